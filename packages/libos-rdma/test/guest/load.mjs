// Much of it, from this process to another: a million small messages where each waits for the credit of the one before it, and 1 GiB of
// messages of all sizes. On the host all of it, over the providers there are (load.test.ts); in the guest over the wire between rxe1 and
// rxe2 the part of both that DEMI_LOAD says.
import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Opcode, PushFlag } from "@demikernel/core";
import { generator, runCases, seed } from "../../../../tools/lab-vm/guest-cases.mjs";
import { hashOf, sizes } from "./load-messages.mjs";
import { cleanUp, nothingPosted, onWire, open, PEER, packets, track } from "./two-ports.mjs";

// Of the loads.
const part = Number(process.env.DEMI_LOAD ?? 1);

/** Connections that the completion queue has room for: of its 32767 entries 4096 are for sends, and each connection posts 1027 receives. */
const MANY = { credits: 1024, slot: 256, receives: 65_536 };
const FULL = Math.floor((32_767 - 4096) / (1024 + 3));

const cases = {
  "connections beyond the completion queue are refused, and all of those it has room for may fill it at once":
    async () => {
      const messages = 1024;
      const peer = await receiver({ kind: "numbered", connections: FULL + 2, messages, options: MANY });
      const os = await open({ slot: 256 });
      const connect = async () => {
        const qd = os.socket("tcp");
        await os.async.connect(qd, peer.address);
        return qd;
      };
      const queues = [];
      for (let i = 0; i < FULL; i++) queues.push(await connect());
      await assert.rejects(connect(), { code: "ECONNREFUSED" });
      // Another has gone, and there is room again.
      os.close(queues.pop());
      for (let tries = 0; queues.length < FULL; tries++) {
        await connect().then(
          (qd) => queues.push(qd),
          (error) => assert.ok(error.code === "ECONNREFUSED" && tries < 300, error.message),
        );
      }
      // While the other process stands still, its device takes in as much as was allowed.
      peer.process.kill("SIGSTOP");
      const pushes = queues.length * messages;
      let done = 0;
      const drain = () => {
        done += os.turn((event) => assert.equal(event.result, 8), 100);
      };
      for (let n = 0; n < messages; n++) {
        for (const [name, qd] of queues.entries()) os.push(qd, numbered(os, name, n), PushFlag.FREE);
        while ((n + 1) * queues.length - done > 400) drain();
      }
      while (done < pushes) drain();
      assert.equal(os.stats()["rdma.creditStalls"], 0, "nothing had to be popped for it");
      peer.process.kill("SIGCONT");
      for (const qd of queues) os.close(qd);
      const { got, stats } = await peer.result;
      assert.equal(got, pushes, "messages that arrived");
      assert.equal(stats["rdma.completionErrors"], 0);
      assert.ok(stats["rdma.requestsRefused"] > 0);
      await nothingPosted(os);
      os.destroy();
      return `${FULL} connections, ${pushes} messages`;
    },

  "whoever connects beyond the own completion queue gets ENOBUFS": async () => {
    const peer = await receiver({ kind: "numbered", connections: FULL, messages: 0, options: {} });
    const os = await open(MANY);
    const queues = [];
    for (let i = 0; i < FULL; i++) {
      queues.push(os.socket("tcp"));
      await os.async.connect(queues[i], peer.address);
    }
    const { "rdma.postedReceives": postedReceives, "rdma.mostPostedReceives": mostPostedReceives } = os.stats();
    assert.equal(postedReceives, FULL * 1027);
    assert.ok(postedReceives <= mostPostedReceives);
    const qd = os.socket("tcp");
    await assert.rejects(os.async.connect(qd, peer.address), { code: "ENOBUFS" });
    os.close(queues.pop());
    while (os.stats()["rdma.leaving"] > 0) {
      os.turn(() => undefined);
      await sleep(5);
    }
    await os.async.connect(qd, peer.address);
    for (const one of [...queues, qd]) os.close(one);
    await nothingPosted(os);
    os.destroy();
  },

  "a million small messages arrive once and in order, with a credit window of one": async () => {
    const connections = 8;
    const messages = Math.ceil((1_000_000 * part) / connections);
    const options = { credits: 1, receives: 64, slot: 256 };
    const peer = await receiver({ kind: "numbered", connections, messages, options });
    const os = await open({ loop: "poll", ...options });
    const before = onWire ? packets() : 0;
    const queues = await Promise.all(
      Array.from({ length: connections }, async () => {
        const qd = os.socket("tcp");
        await os.async.connect(qd, peer.address);
        return qd;
      }),
    );
    const number = new Map(queues.map((qd) => [qd, 0]));
    const push = (qd) => {
      const n = number.get(qd);
      if (n === messages) return;
      number.set(qd, n + 1);
      os.push(qd, numbered(os, queues.indexOf(qd), n), PushFlag.FREE);
    };
    const start = performance.now();
    // More than the window: the second waits for its credit inside the libOS.
    for (const qd of queues) for (let i = 0; i < 4; i++) push(qd);
    let done = 0;
    await os.run((event) => {
      assert.equal(event.result, 8, "a push");
      done += 1;
      push(event.qd);
      if (done === connections * messages) os.stop();
    });
    const seconds = (performance.now() - start) / 1000;
    const { "rdma.creditStalls": creditStalls } = os.stats();
    for (const qd of queues) os.close(qd);
    await nothingPosted(os);
    os.destroy();
    const { got, stats } = await peer.result;
    assert.equal(got, connections * messages, "messages that arrived");
    // Each message came in a separate receive, and its credit went back in a separate message.
    assert.ok(
      stats["rdma.creditMessages"] >= got - connections,
      `${stats["rdma.creditMessages"]} credit messages for ${got}`,
    );
    if (onWire) assert.ok(packets() - before >= 4 * got, `${packets() - before} packets crossed the wire`);
    assert.ok(creditStalls > 0, "pushes waited for credits");
    return `${got} messages in ${seconds.toFixed(1)} s, ${creditStalls} pushes waited`;
  },

  "1 GiB of messages from one byte to the largest arrives, by its hash": async () => {
    const bytes = Math.ceil(2 ** 30 * part);
    const most = 1 << 20;
    const options = { slot: 65_536, receives: 256, maxMessage: most };
    const peer = await receiver({ kind: "hashed", seed, bytes, most, options });
    const os = await open({ loop: "poll", ...options });
    const qd = os.socket("tcp");
    await os.async.connect(qd, peer.address);
    const expected = sizes(seed, bytes, most);
    const hash = hashOf();
    const random = generator(seed + 1);
    // Making random bytes costs as much as sending them: each message is a piece of these.
    const source = Buffer.allocUnsafe(4 << 20);
    for (let i = 0; i < source.length; i += 4) source.writeUInt32LE(Math.floor(random() * 2 ** 32), i);
    const before = onWire ? packets() : 0;
    const start = performance.now();
    let [count, total, under] = [0, 0, 0];
    let next = expected.next();
    const push = () => {
      for (; !next.done && under < 6; next = expected.next()) {
        const from = Math.floor(random() * (source.length - next.value));
        const piece = source.subarray(from, from + next.value);
        hash.update(piece);
        os.push(qd, os.sga.from(piece), PushFlag.FREE);
        count += 1;
        under += 1;
        total += next.value;
      }
    };
    push();
    await os.run((event) => {
      assert.equal(event.opcode, Opcode.PUSH);
      assert.ok(event.result > 0, `a push ended with ${event.result}`);
      under -= 1;
      push();
      if (under === 0) os.stop();
    });
    const seconds = (performance.now() - start) / 1000;
    os.close(qd);
    await nothingPosted(os);
    os.destroy();
    const { got } = await peer.result;
    assert.deepEqual(got, { count, total, digest: hash.digest("hex") });
    assert.equal(total, bytes);
    if (onWire) assert.ok(packets() - before >= bytes / 4096, `${packets() - before} packets crossed the wire`);
    return `${count} messages in ${seconds.toFixed(1)} s`;
  },
};

/** Message `number` of a connection. */
function numbered(os, connection, number) {
  const sga = os.alloc(8);
  const view = os.sga.view(sga);
  const at = os.sga.offset(sga);
  word(view, at, connection);
  word(view, at + 4, number);
  return sga;
}

function word(view, at, value) {
  view[at] = value;
  view[at + 1] = value >>> 8;
  view[at + 2] = value >>> 16;
  view[at + 3] = value >>> 24;
}

/** The far end; `result` is what it got. */
async function receiver(order) {
  const child = fork(fileURLToPath(new URL("load-peer.mjs", import.meta.url)), [JSON.stringify(order)]);
  const peer = track(child);
  const ended = peer.gone.then((status) => assert.fail(`the far end ended with ${status}`));
  const [{ port }] = await Promise.race([once(child, "message"), ended]);
  const result = new Promise((resolve) => {
    child.on("message", (message) => {
      if (message.progress !== undefined) console.log(`        ${message.progress}`);
      else resolve(message);
    });
  });
  return { process: child, address: { host: PEER, port }, result: Promise.race([result, ended]) };
}

// The machine may also be busy with other things.
await runCases("load", cases, { limit: 1_500_000, after: cleanUp });
