// What only a wire can do, between a libOS on rxe1 and a process with one on rxe2. Prints a line per case; the last is
// "wire: N passed, N failed, N skipped".
import assert from "node:assert/strict";
import { execFileSync, fork } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openLibOS, PushFlag } from "@demikernel/core";

const ENDS = ["v1", "v2"];
/** Of a case. Soft-RoCE takes about a second to repair a lost packet, and the machine may be busy. */
const LIMIT_MS = 400_000;

const cases = {
  "a thousand messages cross the wire, and come back once and in order": async () => {
    const before = packets();
    await echoed(1000, 20_000);
    const crossed = packets() - before;
    // Each way a message and its acknowledgement, the large ones in several packets.
    assert.ok(crossed > 4000, `only ${crossed} packets crossed the wire`);
    return `${crossed} packets`;
  },

  "of every hundred packets two are lost: all messages come back once and in order": async () => {
    for (const end of ENDS) tc("add", end, "netem", "loss", "2%");
    try {
      await echoed(200, 8000);
      const lost = ENDS.map((end) => Number(/dropped (\d+)/.exec(tc("show", end))[1]));
      assert.ok(lost[0] > 0 && lost[1] > 0, `packets lost: ${lost}`);
      return `${lost.join(" and ")} packets lost`;
    } finally {
      for (const end of ENDS) tc("del", end);
    }
  },

  "packets overtake one another and come twice: all messages come back once and in order": async () => {
    for (const end of ENDS) tc("add", end, "netem", "delay", "2ms", "1ms", "duplicate", "2%", "reorder", "5%");
    try {
      await echoed(100, 8000);
    } finally {
      for (const end of ENDS) tc("del", end);
    }
  },

  "a peer that is killed ends what waits for it within a second, and nothing stays posted": async () => {
    const { os, qd, peer } = await connected("hold");
    // Pushes beyond the credits, and pops.
    const waiting = [os.pop(qd), os.pop(qd)];
    for (let i = 0; i < 40; i++) waiting.push(os.push(qd, os.alloc(100), PushFlag.FREE));
    const done = new Map();
    os.drain((event) => done.set(event.qt, event.result), 100);
    assert.ok(done.size < waiting.length - 2, "some pushes wait for credits");
    const killed = performance.now();
    peer.kill("SIGKILL");
    // On emulated processors ten times as long.
    while (done.size < waiting.length && performance.now() - killed < 10_000) {
      os.drain((event) => done.set(event.qt, event.result));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const took = performance.now() - killed;
    assert.equal(done.size, waiting.length, "all have ended");
    for (const qt of waiting.slice(0, 2)) assert.equal(done.get(qt), -104, "a pop ends with ECONNRESET");
    os.close(qd);
    await nothingPosted(os);
    os.destroy();
    return `${took.toFixed(0)} ms`;
  },

  "a peer that is killed while messages pass both ways ends all of them": async () => {
    for (let round = 0; round < 5; round++) {
      const { os, qd, peer } = await connected("echo");
      const outstanding = new Set();
      const begin = () => {
        outstanding.add(os.push(qd, os.from(randomBytes(1 + Math.floor(Math.random() * 9000))), PushFlag.FREE));
        outstanding.add(os.pop(qd));
      };
      for (let i = 0; i < 8; i++) begin();
      let killed = 0;
      const start = performance.now();
      const killAfter = 100 + Math.random() * 400;
      while (outstanding.size > 0) {
        if (killed === 0 && performance.now() - start > killAfter) {
          peer.kill("SIGKILL");
          killed = performance.now();
        }
        assert.ok(killed === 0 || performance.now() - killed < 10_000, `${outstanding.size} never end`);
        os.drain((event) => {
          outstanding.delete(event.qt);
          if (event.sga) os.free(event.sga);
          if (killed === 0 && event.result > 0 && outstanding.size < 16) begin();
        });
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      os.close(qd);
      await nothingPosted(os);
      assert.equal(os.stats().appSlots + os.stats().deviceSlots, 0, "all memory is back");
      os.destroy();
    }
  },
};

/** Sends messages of random sizes to an echo across the wire, as many at a time as credits allow, and compares what comes back. */
async function echoed(count, most) {
  const { os, qd, peer } = await connected("echo");
  const [sent, got] = [createHash("sha256"), createHash("sha256")];
  const sizes = Array.from({ length: count }, () => 1 + Math.floor(Math.random() ** 4 * most));
  const receive = async () => {
    for (const [i, size] of sizes.entries()) {
      const sga = await os.async.pop(qd);
      assert.equal(os.length(sga), size, `message ${i}`);
      got.update(os.copy(sga));
      os.free(sga);
    }
  };
  const send = async () => {
    for (const size of sizes) {
      const bytes = randomBytes(size);
      sent.update(bytes);
      await os.async.push(qd, os.from(bytes), PushFlag.FREE);
    }
  };
  await Promise.all([send(), receive()]);
  assert.equal(got.digest("hex"), sent.digest("hex"));
  os.close(qd);
  await nothingPosted(os);
  os.destroy();
  peer.kill("SIGKILL");
}

const peers = new Set();

/** A libOS on rxe1 with a connection to a process on rxe2. */
async function connected(how) {
  const peer = fork(fileURLToPath(new URL("wire-peer.mjs", import.meta.url)), [how]);
  peers.add(peer);
  peer.on("exit", () => peers.delete(peer));
  const [port] = await once(peer, "message");
  const os = await openLibOS({ libos: "rdma", provider: "verbs", address: "10.9.1.1", from: import.meta.url });
  const qd = os.socket("tcp");
  await os.async.connect(qd, { host: "10.9.1.2", port });
  assert.equal(os.getsockname(qd).host, "10.9.1.1");
  return { os, qd, peer };
}

async function nothingPosted(os) {
  const posted = () => os.stats().postedReceives + os.stats().sendsUnderWay;
  for (let tries = 0; posted() > 0; tries++) {
    assert.ok(tries < 600, `still posted: ${JSON.stringify(os.stats())}`);
    os.drain(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function packets() {
  const of = (end) => Number(readFileSync(`/sys/class/net/${end}/statistics/tx_packets`, "utf8"));
  return ENDS.reduce((sum, end) => sum + of(end), 0);
}

function tc(action, end, ...discipline) {
  const words = action === "show" ? ["-s", "qdisc", "show", "dev", end] : ["qdisc", action, "dev", end, "root"];
  return execFileSync("tc", [...words, ...discipline], { encoding: "utf8" });
}

async function inTime(run) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${LIMIT_MS} ms`)), LIMIT_MS);
  });
  try {
    return await Promise.race([run(), late]);
  } finally {
    clearTimeout(timer);
    for (const peer of peers) peer.kill("SIGKILL");
  }
}

const count = { passed: 0, failed: 0 };
for (const [name, run] of Object.entries(cases)) {
  const start = performance.now();
  const seconds = () => ((performance.now() - start) / 1000).toFixed(1).padStart(6);
  try {
    const more = await inTime(run);
    count.passed += 1;
    console.log(`ok      ${seconds()} s  ${name}${more === undefined ? "" : ` (${more})`}`);
  } catch (error) {
    count.failed += 1;
    console.log(`FAILED  ${seconds()} s  ${name}\n${error?.stack ?? error}`);
  }
}
console.log(`wire: ${count.passed} passed, ${count.failed} failed, 0 skipped`);
process.exit(count.failed === 0 ? 0 : 1);
