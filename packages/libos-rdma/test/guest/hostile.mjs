// A libOS on rxe1, and on rxe2 a program that does not keep to the wire format: requests and replies with a wrong handshake, and invalid
// messages behind a good one.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { PushFlag } from "@demikernel/core";
import { runCases } from "../../../../tools/lab-vm/guest-cases.mjs";
import { handshake, hostileClient, hostileServer, inTurn, message } from "./hostile-peer.mjs";
import { cleanUp, connected, nothingLeft, nothingPosted, OWN, open, own } from "./two-ports.mjs";

const EPROTO = -71;
const EMSGSIZE = -90;
const ECONNRESET = -104;
const DATA = 1;
const CREDIT = 2;
const END = 3;

/** Private data that is no handshake. */
const handshakes = {
  "no private data": "-",
  "one byte": "10",
  "a handshake that is cut off": handshake().slice(0, 24),
  "a length of 0": handshake({ length: 0 }),
  "another magic": handshake({ magic: "demi" }),
  "version 0": handshake({ version: 0 }),
  "version 2": handshake({ version: 2 }),
  "a reserved byte": handshake({ reserved: 1 }),
  "no credits": handshake({ credits: 0 }),
  "65535 credits": handshake({ credits: 65_535 }),
  "a buffer of 0": handshake({ buffer: 0 }),
  "a buffer without room for a header": handshake({ buffer: 15 }),
  "a buffer of 4 GiB": handshake({ buffer: 0xffff_ffff }),
  "no message allowed": handshake({ most: 0 }),
};

/** What is sent behind a good handshake, and the code the connection ends with. */
const attacks = {
  "nothing but half a header": ["0100000005000000", EPROTO],
  "an unknown kind": [message({ kind: 9 }), EPROTO],
  "a reserved field": [message({ kind: DATA, message: 5, reserved: 1 }, 5), EPROTO],
  "data without payload": [message({ kind: DATA, message: 5 }), EPROTO],
  "data beyond its message": [message({ kind: DATA, message: 5 }, 6), EPROTO],
  "data that says more and has all": [message({ kind: DATA, more: 1, message: 5 }, 5), EPROTO],
  "a message of 4 GiB": [message({ kind: DATA, more: 1, message: 0xffff_ffff }, 100), EMSGSIZE],
  "a fragment that nothing came before": [message({ kind: DATA, message: 100, offset: 95 }, 5), EPROTO],
  "credits for what was not sent": [message({ kind: CREDIT, credits: 65_535 }), EPROTO],
  "a credit message without any": [message({ kind: CREDIT }), EPROTO],
  "an end with payload": [message({ kind: END }, 8), EPROTO],
  "more than fits into a receive": [message({ kind: DATA, message: 100_000 }, 100_000), undefined],
};

const cases = {
  "requests with a wrong handshake are rejected with reason 1, and whoever keeps to it is served": async () => {
    const { os, listener, address } = await serving();
    const accepting = os.accept(listener);
    const wrong = hostileClient(address, ...inTurn(Object.values(handshakes).map((said) => [said])));
    for (const [n, what] of Object.keys(handshakes).entries()) {
      await wrong.says("\n", () => assert.equal(os.poll(accepting), undefined, `accepted: ${what}`), n + 1);
      assert.match(wrong.text().split("\n")[n], /^rejected, status \d+, reason 1$/, what);
    }
    assert.equal(os.stats()["rdma.requestsRefused"], Object.keys(handshakes).length);
    const peer = hostileClient(address, handshake(), message({ kind: DATA, message: 5 }, 5), message({ kind: END }));
    const qd = (await os.async.wait(accepting)).newQd;
    assert.equal(await poppedLength(os, qd), 5);
    assert.equal(await os.async.pop(qd), 0, "the end");
    await nothingLeft(os, [qd, listener]);
    await peer.says("disconnected");
    return `${Object.keys(handshakes).length} handshakes`;
  },

  "a request that comes in over another device is rejected, and whoever comes over this one is served": async () => {
    const { os, listener, address } = await serving({}, "0.0.0.0");
    const accepting = os.accept(listener);
    const elsewhere = { host: "10.9.0.1", port: address.port };
    const other = hostileClient(elsewhere, ...inTurn(Array(3).fill([handshake()])));
    await other.says("\n", () => assert.equal(os.poll(accepting), undefined), 3);
    assert.match(other.text(), /^(rejected.*\n){3}$/);
    const peer = hostileClient({ host: OWN, port: address.port }, handshake(), "pause");
    const qd = (await os.async.wait(accepting)).newQd;
    peer.kill();
    await nothingLeft(os, [qd, listener]);
  },

  "of those that are rejected nothing stays but the reasons of the first": async () => {
    const { os, listener, address } = await serving({}, OWN, 1);
    const before = own("cm_id").length;
    // The first takes the one place there is; more of the others than there are reasons kept.
    const others = 280;
    const peer = hostileClient(address, handshake(), "keep", ...Array(others).fill(["next", handshake()]).flat());
    while (peer.process.exitCode === null) {
      os.turn(() => assert.fail("nothing is accepted"));
      await sleep(1);
    }
    assert.equal(peer.process.exitCode, 0);
    await peer.says("rejected", undefined, others);
    assert.equal(os.stats()["rdma.requestsRefused"], others);
    const kept = own("cm_id").length - before;
    assert.ok(kept <= 257, `${kept} identifiers of the connection manager`);
    os.close(listener);
    await nothingPosted(os);
    os.destroy();
    return `${kept} identifiers kept`;
  },

  "replies with a wrong handshake end the connect with EPROTO": async () => {
    const os = await open();
    const peer = await hostileServer(...inTurn(Object.values(handshakes).map((said) => [said])));
    for (const [n, what] of Object.keys(handshakes).entries()) {
      const qd = os.socket("tcp");
      await assert.rejects(os.async.connect(qd, peer.address), { code: "EPROTO" }, what);
      os.close(qd);
      await peer.says("disconnected", undefined, n + 1);
      assert.equal(os.stats()["rdma.postedReceives"], 0, what);
    }
    await nothingLeft(os, []);
    return `${Object.keys(handshakes).length} handshakes`;
  },

  "messages that are none end their connection with a code, and no other": async () => {
    // Somebody well-behaved, before and behind each of them.
    const good = await connected("echo");
    const { os } = good;
    const { listener } = listen(os);
    const all = Object.values(attacks).map(([bytes]) => [handshake(), "receive", bytes]);
    const peer = hostileClient(os.getsockname(listener), ...inTurn(all));
    for (const [n, [what, [, code]]] of Object.entries(attacks).entries()) {
      const { qd, told } = await asked(os, listener);
      const pops = [os.pop(qd), os.pop(qd)];
      const ends = (await Promise.all(pops.map((qt) => os.async.wait(qt)))).map(({ result }) => result);
      if (told < 0) ends.push(told);
      for (const end of ends) {
        if (code === undefined) assert.ok(end < 0, `${what}: ${end}`);
        else assert.equal(end, code, what);
      }
      os.close(qd);
      await peer.says("disconnected", undefined, n + 1);
      await echoes(os, good.qd);
    }
    assert.equal(os.stats()["rdma.badMessages"], Object.keys(attacks).length - 1);
    await nothingLeft(os, [good.qd, listener]);
    return `${Object.keys(attacks).length} messages`;
  },

  "a peer that sends beyond its credits is cut off": async () => {
    const { os, listener } = await serving({ credits: 2 });
    const { peer, qd } = await attacked(os, listener, ...Array(5).fill(message({ kind: DATA, message: 5 }, 5)));
    await peer.says("disconnected", () => os.turn(() => undefined));
    assert.equal(os.stats()["rdma.badMessages"], 1);
    // What it was allowed to send is there; then the code.
    for (let i = 0; i < 2; i++) assert.equal(await poppedLength(os, qd), 5);
    assert.equal((await os.async.wait(os.pop(qd))).result, EPROTO);
    await nothingLeft(os, [qd, listener]);
  },

  "a peer that disconnects without an end is ECONNRESET": async () => {
    const { os, listener } = await serving();
    const { qd } = await attacked(os, listener, "close");
    assert.equal((await os.async.wait(os.pop(qd))).result, ECONNRESET);
    await nothingLeft(os, [qd, listener]);
  },
};

async function serving(options = {}, host = OWN, backlog = 511) {
  const os = await open(options);
  return { os, ...listen(os, host, backlog) };
}

function listen(os, host = OWN, backlog = 511) {
  const listener = os.socket("tcp");
  os.bind(listener, { host, port: 0 });
  os.listen(listener, backlog);
  return { listener, address: os.getsockname(listener) };
}

/** Does these once the connection has been accepted: what comes earlier ends it before anybody hears of it. */
async function attacked(os, listener, ...steps) {
  const peer = hostileClient(os.getsockname(listener), handshake(), "receive", ...steps);
  return { peer, ...(await asked(os, listener)) };
}

/**
 * Accepts a connection and tells it to go on. `told` is the result of the push that says so: what it sets off may end the connection before
 * the push is known to have arrived, and then it has the code of that.
 */
async function asked(os, listener) {
  const qd = await os.async.accept(listener);
  const { result: told } = await os.async.wait(os.push(qd, os.sga.from("go on"), PushFlag.FREE));
  return { qd, told };
}

/** Bytes of the message that is popped next. */
async function poppedLength(os, qd) {
  const sga = await os.async.pop(qd);
  const length = os.sga.length(sga);
  os.free(sga);
  return length;
}

async function echoes(os, qd) {
  await os.async.push(qd, os.sga.from("still there"), { free: true });
  const sga = await os.async.pop(qd);
  assert.equal(os.sga.copy(sga).toString(), "still there");
  os.free(sga);
}

// The machine may also be busy with other things.
await runCases("hostile", cases, { limit: 300_000, after: cleanUp });
