// Waits for one thing after the other that a peer does after a random time, in a loop that sleeps, with nothing else in the thread that
// would turn it: a wake-up that is lost, once, stops it. The peer is a thread with a libOS of its own. Arguments: provider, loop, seed,
// rounds, and for a device its address. Prints what it did as JSON, or where it stood still.
import { writeSync } from "node:fs";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { generator } from "@demikernel/conformance";
import { Opcode, openLibOS, PushFlag } from "@demikernel/core";

/** 0 to 5 ms, most of them around the time a loop takes to fall asleep. */
const delayOf = (random) => 5 * random() ** 6;
/** Little memory: it is locked when a libOS is opened. */
const SMALL = { receives: 512, arena: [{ size: 4096, count: 256 }] };

if (isMainThread) await main(...process.argv.slice(2));
else await peer(workerData);

async function main(provider, loop, seed, rounds, host = "127.0.0.1") {
  const options = { libos: "rdma", provider, from: import.meta.url, ...SMALL };
  const os = await openLibOS({ ...options, loop });
  const random = generator(Number(seed));
  const listener = os.socket("tcp");
  os.bind(listener, { host, port: 0 });
  os.listen(listener);
  const own = { host, port: os.getsockname(listener).port };
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { options, host, own, seed: Number(seed) + 1 },
  });
  const port = await new Promise((resolve) => worker.once("message", resolve));
  worker.unref();
  const stream = os.socket("tcp");
  await os.async.connect(stream, { host, port });

  const kinds = {
    async answer() {
      await os.async.push(stream, os.sga.from("?"), { free: true });
      os.free(await os.async.pop(stream));
    },
    async run() {
      os.push(stream, os.sga.from("?"), PushFlag.FREE | PushFlag.QUIET);
      os.pop(stream);
      await os.run((event) => {
        if (event.opcode !== Opcode.POP) return;
        os.free(event.sga);
        os.stop();
      });
    },
    async connects() {
      worker.postMessage({ connect: true });
      const qd = await os.async.accept(listener);
      // It closes after a while.
      if ((await os.async.pop(qd)) !== 0) throw new Error("bytes nobody sent");
      os.close(qd);
    },
  };
  const names = Object.keys(kinds);
  const counts = Object.fromEntries(names.map((name) => [name, 0]));
  for (let round = 0; round < Number(rounds); round++) {
    // A connection costs a hundred times what a message does.
    const doing = random() < 0.1 ? "connects" : names[Math.floor(random() * 2)];
    worker.postMessage({ round, doing });
    await kinds[doing]();
    counts[doing]++;
  }
  console.log(JSON.stringify({ counts, seed }));
  process.exit(0);
}

async function peer({ options, host, own, seed }) {
  const os = await openLibOS(options);
  const random = generator(seed);
  const spin = () => {
    const end = performance.now() + delayOf(random);
    while (performance.now() < end);
  };
  const listener = os.socket("tcp");
  os.bind(listener, { host, port: 0 });
  os.listen(listener);
  parentPort.postMessage(os.getsockname(listener).port);
  let last = { round: -1, doing: "nothing" };
  let heard = performance.now();
  parentPort.on("message", async (message) => {
    heard = performance.now();
    if (message.round !== undefined) last = message;
    if (message.connect === undefined) return;
    spin();
    const qd = os.socket("tcp");
    await os.async.connect(qd, own);
    spin();
    os.close(qd);
  });
  setInterval(() => {
    if (performance.now() - heard < 20_000) return;
    // Not by the streams of process, which go through the thread that sleeps.
    writeSync(2, `asleep for 20 s in round ${last.round}: ${last.doing}\n`);
    process.kill(process.pid, "SIGKILL");
  }, 1000);
  for await (const qd of os.async.connections(listener)) {
    for await (const sga of os.async.messages(qd)) {
      spin();
      await os.async.push(qd, sga, { free: true });
    }
    os.close(qd);
  }
}
