// A peer across the wire is killed, at one moment of a connection after the other: everything that waits for it ends with a code within a
// second, and nothing stays posted or registered.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { PushFlag } from "@demikernel/core";
import { generator, runCases } from "../../../../tools/lab-vm/guest-cases.mjs";
import { handshake, hostileClient, hostileServer, message } from "./hostile-peer.mjs";
import { cleanUp, connected, nothingLeft, OWN, open, startPeer } from "./two-ports.mjs";

const WITHIN_MS = 1000;
/** A machine that is busy may keep a guest from running for longer than that: each moment has up to this many rounds to be in time. */
const ROUNDS = 3;
const NEVER_MS = 20_000;
const random = generator();
const DATA = 1;

const cases = {
  "while it has our request and has not answered": rounds(async () => {
    const peer = await hostileServer("silent");
    const os = await open();
    const qd = os.socket("tcp");
    const waiting = [os.connect(qd, peer.address), os.push(qd, os.alloc(100), PushFlag.FREE), os.pop(qd)];
    await peer.says("paused", () => os.turn(() => undefined));
    const took = await ended(os, waiting, peer);
    await nothingLeft(os, [qd]);
    return took;
  }),

  "at any moment of its own connecting": rounds(async () => {
    const { os, listener, address } = await serving();
    const accepted = [];
    const take = ({ newQd }) => {
      accepted.push(newQd);
      os.accept(listener);
    };
    os.accept(listener);
    const peer = hostileClient(address, handshake(), "pause");
    const killAt = performance.now() + random() * 1500;
    while (performance.now() < killAt) {
      os.turn(take);
      await sleep(1);
    }
    const pops = accepted.map((qd) => os.pop(qd));
    const took = await ended(os, pops, peer, (event) => (event.newQd > 0 ? take(event) : isReset(event)));
    // Whoever comes next is served.
    await startPeer("say", { to: address });
    for (let heard = false; !heard; ) {
      os.turn((event) => {
        if (event.newQd > 0) {
          os.pop(event.newQd);
          take(event);
        } else if (event.result > 0) {
          assert.equal(os.sga.copy(event.sga).toString(), "hello");
          os.free(event.sga);
          heard = true;
        } else {
          isReset(event);
        }
      });
      await sleep(1);
    }
    await nothingLeft(os, [...accepted, listener]);
    return took;
  }),

  "while nothing happens but pops that wait": rounds(async () => {
    const { os, qd, peer } = await connected("echo");
    const took = await ended(os, [os.pop(qd), os.pop(qd), os.pop(qd)], peer, isReset);
    await nothingLeft(os, [qd]);
    return took;
  }),

  "in the middle of a message of its own": rounds(async () => {
    const { os, listener, address } = await serving();
    const first = message({ kind: DATA, more: 1, message: 5000 }, 3000);
    const peer = hostileClient(address, handshake(), first, "pause");
    const qd = await os.async.accept(listener);
    await peer.says("paused", () => os.turn(() => undefined));
    const took = await ended(os, [os.pop(qd), os.pop(qd)], peer, isReset);
    await nothingLeft(os, [qd, listener]);
    return took;
  }),

  "while large messages are on their way to it": rounds(async () => {
    const { os, qd, peer } = await connected("take");
    const pushes = Array.from({ length: 12 }, () => os.push(qd, os.alloc([60_000, 60_000]), PushFlag.FREE));
    const done = new Set();
    while (done.size < 2) {
      os.turn((event) => done.add(event.qt));
      await sleep(1);
    }
    const waiting = [...pushes.filter((qt) => !done.has(qt)), os.pop(qd)];
    const took = await ended(os, waiting, peer);
    await nothingLeft(os, [qd]);
    return took;
  }),

  "while pushes wait for its credits": rounds(async () => {
    const { os, qd, peer } = await connected("hold");
    const pushes = Array.from({ length: 40 }, () => os.push(qd, os.alloc(100), PushFlag.FREE));
    const done = new Set();
    while (done.size < 16) {
      os.turn((event) => done.add(event.qt));
      await sleep(1);
    }
    assert.equal(done.size, 16, "as many as it gave credits");
    const took = await ended(os, [...pushes.slice(16), os.pop(qd)], peer);
    await nothingLeft(os, [qd]);
    return took;
  }),

  "while we have closed and it has not": rounds(async () => {
    const { os, qd, peer } = await connected("hold");
    os.push(qd, os.alloc(100), PushFlag.FREE | PushFlag.QUIET);
    os.close(qd);
    for (let i = 0; i < 5; i++) os.turn(() => undefined, 20);
    assert.ok(os.stats()["rdma.leaving"] > 0, "the goodbye waits for its answer");
    const killed = performance.now();
    peer.kill();
    while (os.stats()["rdma.leaving"] > 0) {
      os.turn(() => undefined);
      await sleep(1);
    }
    const took = performance.now() - killed;
    await nothingLeft(os, []);
    return took;
  }),

  "at a random moment while messages of all sizes pass both ways": rounds(async () => {
    const { os, qd, peer } = await connected("echo");
    const outstanding = new Set();
    const begin = () => {
      outstanding.add(os.push(qd, os.alloc(1 + Math.floor(random() * 9000)), PushFlag.FREE));
      outstanding.add(os.pop(qd));
    };
    for (let i = 0; i < 8; i++) begin();
    const killAt = performance.now() + 100 + random() * 400;
    while (performance.now() < killAt) {
      os.turn((event) => {
        outstanding.delete(event.qt);
        assert.ok(event.result > 0);
        if (event.sga) os.free(event.sga);
        if (outstanding.size < 16) begin();
      });
      await sleep(1);
    }
    const took = await ended(os, [...outstanding], peer);
    await nothingLeft(os, [qd]);
    return took;
  }),
};

/** One moment, several times: the time from the kill until everything has ended is within the second. */
function rounds(round) {
  return async () => {
    const times = [];
    do times.push(await round());
    while (times.at(-1) >= WITHIN_MS && times.length < ROUNDS);
    const shown = times.map((time) => time.toFixed(0)).join(", ");
    assert.ok(times.at(-1) < WITHIN_MS, `it took ${shown} ms`);
    return `${shown} ms`;
  };
}

/** Kills the peer; how many milliseconds until all tokens have completed. `check` sees each completion. */
async function ended(os, tokens, peer, check = () => undefined) {
  const outstanding = new Set(tokens);
  const killed = performance.now();
  peer.kill();
  while (outstanding.size > 0) {
    os.turn((event) => {
      outstanding.delete(event.qt);
      check(event);
      if (event.sga) os.free(event.sga);
    });
    assert.ok(performance.now() - killed < NEVER_MS, `${outstanding.size} of ${tokens.length} never end`);
    await sleep(1);
  }
  const took = performance.now() - killed;
  await peer.gone;
  return took;
}

function isReset(event) {
  assert.equal(event.result, -104, "ECONNRESET");
}

async function serving() {
  const os = await open();
  const listener = os.socket("tcp");
  os.bind(listener, { host: OWN, port: 0 });
  os.listen(listener);
  return { os, listener, address: os.getsockname(listener) };
}

await runCases("death", cases, { limit: 300_000, after: cleanUp });
