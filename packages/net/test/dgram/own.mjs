/** What is not as in node:dgram: what no backend has, and bounds. A line of JSON a case. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import dgram from "node:dgram";
import { once } from "node:events";
import { promisify } from "node:util";
import { createSocket, open } from "@demikernel/net";

// Few slots, so that sending waits for memory.
const os = await open({
  arena: [
    { size: 2048, count: 64 },
    { size: 65536, count: 8 },
    { size: 131072, count: 2 },
  ],
});

async function bound(options = "udp4", host = "127.0.0.1") {
  const socket = createSocket(options);
  socket.bind(0, host);
  await once(socket, "listening");
  return socket;
}

/** The error of a send's callback. */
const sent = (socket, ...args) => new Promise((done) => socket.send(...args, (error, bytes) => done(error ?? bytes)));

const cases = {
  "ENOTSUP: TTL, broadcast and multicast": async () => {
    const socket = await bound();
    const calls = {
      setTTL: [64],
      setBroadcast: [true],
      setMulticastTTL: [1],
      setMulticastLoopback: [false],
      setMulticastInterface: ["127.0.0.1"],
      addMembership: ["224.0.0.114"],
      dropMembership: ["224.0.0.114"],
      addSourceSpecificMembership: ["127.0.0.1", "232.1.1.1"],
      dropSourceSpecificMembership: ["127.0.0.1", "232.1.1.1"],
    };
    for (const [call, args] of Object.entries(calls)) {
      assert.throws(() => socket[call](...args), {
        message: `${call} ENOTSUP`,
        code: "ENOTSUP",
        errno: -95,
        syscall: call,
      });
    }
    socket.close();
  },
  "a lookup that calls back twice binds once": async () => {
    const { queues } = os.stats();
    const twice = (host, _family, done) => {
      for (let i = 0; i < 2; i++) process.nextTick(done, null, host, 4);
    };
    const socket = await bound({ type: "udp4", lookup: twice });
    assert.equal(os.stats().queues, queues + 1);
    socket.close();
    await once(socket, "close");
    assert.equal(os.stats().queues, queues);
  },
  "ENOTSUP: a descriptor": () => {
    const socket = createSocket("udp4");
    assert.throws(() => socket.bind({ fd: 99 }), { message: "open ENOTSUP", code: "ENOTSUP" });
    socket.close();
  },
  "ENOMSG: an empty datagram": async () => {
    const socket = await bound();
    const { code, syscall } = await sent(socket, "", socket.address().port, "127.0.0.1");
    assert.deepEqual([code, syscall], ["ENOMSG", "send"]);
    socket.close();
  },
  "more than the arena holds is sent as memory comes free": async () => {
    const [a, b] = [await bound(), dgram.createSocket("udp4")];
    b.bind(0, "127.0.0.1");
    await once(b, "listening");
    const all = await Promise.all(
      Array.from({ length: 1000 }, () => sent(a, Buffer.alloc(1500), b.address().port, "127.0.0.1")),
    );
    assert.deepEqual([...new Set(all)], [1500]);
    assert.deepEqual([a.getSendQueueSize(), a.getSendQueueCount()], [0, 0]);
    a.close();
    b.close();
  },
  "what is sent and then closed goes out, and is called back": async () => {
    const [a, b] = [await bound(), await bound()];
    const came = once(b, "message");
    a.connect(b.address().port, "127.0.0.1");
    await once(a, "connect");
    const order = [];
    a.send("last words", (error, bytes) => order.push(error, bytes));
    await new Promise((done) => a.close(() => done(order.push("close"))));
    assert.equal(String((await came)[0]), "last words");
    assert.deepEqual(order, [null, 10, "close"]);
    b.close();
  },
  "a listener that throws does not end the receiving": async () => {
    const program = `
      import { createSocket } from "@demikernel/net";
      const socket = createSocket("udp4", (bytes) => { if (String(bytes) === "bad") throw new Error("thrown"); console.log(String(bytes)); socket.close(); });
      process.on("uncaughtException", (error) => { console.log(error.message); socket.send("good", socket.address().port, "127.0.0.1"); });
      socket.bind(0, "127.0.0.1", () => socket.send("bad", socket.address().port, "127.0.0.1"));`;
    const { stdout } = await runs(program);
    assert.equal(stdout, "thrown\ngood\n");
  },
  "unref(): the process ends": async () => {
    const { stdout } = await runs(`
      import { createSocket } from "@demikernel/net";
      createSocket("udp4").bind(0, "127.0.0.1", function () { console.log("bound"); this.unref(); });`);
    assert.equal(stdout, "bound\n");
  },
  "unref() before binding: the process ends": async () => {
    await runs(`
      import { createSocket } from "@demikernel/net";
      createSocket("udp4").unref().bind(0, "127.0.0.1");`);
  },
  "all that is closed is given back": async () => {
    const six = await bound("udp6", "::");
    six.close();
    await once(six, "close");
    const end = Date.now() + 3000;
    while (os.stats().outstanding > 0 && Date.now() < end) await new Promise((done) => setImmediate(done));
    const { queues, appSlots, outstanding } = os.stats();
    assert.deepEqual({ queues, appSlots, outstanding }, { queues: 0, appSlots: 0, outstanding: 0 });
  },
};

/** Runs a program that is to end by itself. */
const runs = (program) =>
  promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
    cwd: import.meta.dirname,
    timeout: 5000,
  });

for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
    console.log(JSON.stringify({ name }));
  } catch (error) {
    console.log(JSON.stringify({ name, failed: String(error?.stack) }));
    // What it left open is not to keep the process, nor to fail the next.
    process.exit();
  }
}
