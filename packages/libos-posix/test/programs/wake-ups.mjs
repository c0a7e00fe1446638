// No wake-up is lost: streams, datagrams, connections and files, over an engine, in a loop mode that sleeps. What a round is, and how one that
// stands still is noticed: @demikernel/conformance, wake-ups. Arguments: engine, loop, seed, rounds. Prints what it did as JSON, or where it
// stood still.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { generator, spin, wakeUpRounds, watchRounds } from "@demikernel/conformance";

if (isMainThread) await main();
else await peer();

async function main() {
  const { Opcode, openLibOS, PushFlag } = await import("@demikernel/core");
  const [engine, loop, seed, rounds] = [
    process.argv[2],
    process.argv[3],
    Number(process.argv[4]),
    Number(process.argv[5]),
  ];
  const os = await openLibOS({ libos: "posix", engine, loop, from: import.meta.url });
  const folder = mkdtempSync(join(tmpdir(), "demikernel-wake-ups-"));
  const random = generator(seed);
  const worker = new Worker(new URL(import.meta.url), { workerData: seed + 1 });
  const { tcp, udp } = await new Promise((resolve) => worker.once("message", resolve));
  worker.unref();

  const stream = os.socket("tcp");
  await os.async.connect(stream, { host: "127.0.0.1", port: tcp });
  const datagrams = os.socket("udp");
  await os.async.connect(datagrams, { host: "127.0.0.1", port: udp });
  const listener = os.socket("tcp");
  os.bind(listener, { host: "127.0.0.1", port: 0 });
  os.listen(listener);
  const { port } = os.getsockname(listener);
  const file = os.open(join(folder, "log"), "w+");

  /** This many connect, and each closes after a while. */
  async function comeAndGo(many) {
    worker.postMessage({ connect: port, many });
    await Promise.all(
      Array.from({ length: many }, async () => {
        const qd = await os.async.accept(listener);
        if ((await os.async.pop(qd)) !== 0) throw new Error("bytes nobody sent");
        os.close(qd);
      }),
    );
  }

  const kinds = {
    async stream() {
      await os.async.push(stream, os.sga.from("?"), { free: true });
      os.free(await os.async.pop(stream));
    },
    async datagram() {
      await os.async.push(datagrams, os.sga.from("?"), { free: true });
      os.free(await os.async.pop(datagrams));
    },
    async accept() {
      await comeAndGo(1);
    },
    async file() {
      const bytes = await os.async.push(file, os.alloc(1 + Math.floor(random() * 60_000)), { free: true });
      os.lseek(file, -bytes, "cur");
      os.free(await os.async.pop(file));
      os.lseek(file, 0);
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
    async flood() {
      await comeAndGo(20);
    },
  };
  const counts = await wakeUpRounds({
    worker,
    rounds,
    kinds,
    // A flood is worth many of the others.
    choose: (names) => (random() < 0.02 ? "flood" : names[Math.floor(random() * (names.length - 1))]),
  });
  console.log(JSON.stringify({ counts, seed }));
  os.destroy();
  rmSync(folder, { recursive: true });
  process.exit(0);
}

/** The other side, in another thread with its loop. */
async function peer() {
  const { createServer, connect } = await import("node:net");
  const { createSocket } = await import("node:dgram");
  const random = generator(workerData);
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => {});
    socket.on("data", () => {
      spin(random);
      socket.write("!");
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const socket = createSocket("udp4");
  socket.on("message", (_, from) => {
    spin(random);
    socket.send("!", from.port, from.address);
  });
  await new Promise((resolve) => socket.bind(0, "127.0.0.1", resolve));
  parentPort.postMessage({ tcp: server.address().port, udp: socket.address().port });
  watchRounds(10, ({ connect: port, many }) => {
    spin(random);
    for (let i = 0; i < many; i++) {
      const client = connect({ port, host: "127.0.0.1" }, () => {
        spin(random);
        client.destroy();
      });
      client.on("error", () => {});
    }
  });
}
