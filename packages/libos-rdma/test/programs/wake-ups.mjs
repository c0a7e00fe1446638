// No wake-up is lost: messages and connections over a provider, in a loop mode that sleeps. The peer is a thread with another libOS. What a
// round is, and how one that stands still is noticed: @demikernel/conformance, wake-ups. Arguments: provider, loop, seed, rounds, and for a
// device its address. Prints what it did as JSON, or where it stood still.
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { generator, spin, wakeUpRounds, watchRounds } from "@demikernel/conformance";
import { Opcode, openLibOS, PushFlag } from "@demikernel/core";

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
  const counts = await wakeUpRounds({
    worker,
    rounds: Number(rounds),
    kinds,
    // A connection costs a hundred times what a message does.
    choose: (names) => (random() < 0.1 ? "connects" : names[Math.floor(random() * 2)]),
  });
  console.log(JSON.stringify({ counts, seed }));
  process.exit(0);
}

async function peer({ options, host, own, seed }) {
  const os = await openLibOS(options);
  const random = generator(seed);
  const listener = os.socket("tcp");
  os.bind(listener, { host, port: 0 });
  os.listen(listener);
  parentPort.postMessage(os.getsockname(listener).port);
  watchRounds(20, async () => {
    spin(random);
    const qd = os.socket("tcp");
    await os.async.connect(qd, own);
    spin(random);
    os.close(qd);
  });
  for await (const qd of os.async.connections(listener)) {
    for await (const sga of os.async.messages(qd)) {
      spin(random);
      await os.async.push(qd, sga, { free: true });
    }
    os.close(qd);
  }
}
