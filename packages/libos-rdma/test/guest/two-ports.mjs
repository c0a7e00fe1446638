/**
 * The two ports of `prepare-rxe.sh --wire`: rxe1 is this process's, rxe2 that of processes which are started here, and what passes
 * between them crosses the wire. With DEMI_RDMA_PROVIDER both are on this host, over that provider, and there is no wire.
 */
import assert from "node:assert/strict";
import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openLibOS } from "@demikernel/core";

export const provider = process.env.DEMI_RDMA_PROVIDER ?? "verbs";
export const onWire = provider === "verbs";
export const [OWN, PEER] = onWire ? ["10.9.1.1", "10.9.1.2"] : ["127.0.0.1", "127.0.0.1"];
const ENDS = ["v1", "v2"];

/** All memory is locked when a libOS is opened, which takes long on emulated processors: less of it than by default. */
export const SMALL = {
  receives: 1024,
  slot: 4096,
  arena: [
    { size: 256, count: 1024 },
    { size: 4096, count: 1024 },
    { size: 65_536, count: 64 },
    { size: 1 << 20, count: 16 },
  ],
};

const libOSes = new Set();
const peers = new Set();

/** A libOS on this process's port, or with another address on that one. It ends with its case at the latest. */
export async function open(options = {}) {
  const given = { libos: "rdma", provider, address: OWN, from: import.meta.url, ...SMALL, ...options };
  const os = await openLibOS(given);
  libOSes.add(os);
  return os;
}

/** Starts wire-peer.mjs with a libOS on the other port; its first message says where it listens. */
export async function startPeer(how, options = {}) {
  const child = fork(fileURLToPath(new URL("wire-peer.mjs", import.meta.url)), [how, JSON.stringify(options)]);
  const peer = track(child);
  const [port] = await Promise.race([
    once(child, "message"),
    peer.gone.then((status) => assert.fail(`the peer ended with ${status}`)),
  ]);
  return { ...peer, address: { host: PEER, port } };
}

/** A process that ends with its case. `gone` resolves with its status or signal. */
export function track(child) {
  peers.add(child);
  const gone = once(child, "exit").then(([code, signal]) => {
    peers.delete(child);
    return signal ?? code;
  });
  const kill = () => child.kill("SIGKILL");
  return { process: child, gone, kill };
}

/** Ends what a case has left open and running, and its losses. */
export async function cleanUp() {
  for (const os of libOSes) os.destroy();
  libOSes.clear();
  for (const child of peers) child.kill("SIGKILL");
  while (peers.size > 0) await sleep(10);
  for (const end of onWire ? ENDS : []) if (tc("show", end).includes("netem")) tc("del", end);
}

/** A libOS here with a connection to a new peer. */
export async function connected(how, options = {}, peerOptions = options) {
  const peer = await startPeer(how, peerOptions);
  const os = await open(options);
  const qd = os.socket("tcp");
  await os.async.connect(qd, peer.address);
  assert.equal(os.getsockname(qd).host, OWN);
  return { os, qd, peer };
}

/** Waits until nothing is posted and nothing under way: after close() the goodbye has its time. */
export async function nothingPosted(os) {
  const held = () => {
    const {
      "rdma.postedReceives": postedReceives,
      "rdma.postedBytes": postedBytes,
      "rdma.sendsUnderWay": sendsUnderWay,
      outstanding,
      "rdma.leaving": leaving,
    } = os.stats();
    return postedReceives + postedBytes + sendsUnderWay + outstanding + leaving;
  };
  for (let tries = 0; held() > 0; tries++) {
    assert.ok(tries < 600, `still held: ${JSON.stringify(os.stats())}`);
    os.turn(() => undefined);
    await sleep(20);
  }
  const { appSlots, deviceSlots } = os.stats();
  assert.equal(appSlots + deviceSlots, 0, "all memory is back");
}

/** Closes all of it; afterwards the kernel has nothing of this process on any RDMA device: no queue, no registered memory. */
export async function nothingLeft(os, queues) {
  for (const qd of queues) os.close(qd);
  await nothingPosted(os);
  assert.deepEqual(own("qp"), [], "queue pairs that are left when all is closed");
  assert.ok(own("mr").length > 0, "the kernel says what is registered while the libOS is open");
  os.destroy();
  for (const kind of ["qp", "cq", "mr"])
    assert.deepEqual(own(kind), [], `${kind} that are left when the libOS is gone`);
}

/** What the kernel holds of this process on the RDMA devices: "qp", "cq", "mr", "cm_id". */
export function own(kind) {
  const all = JSON.parse(execFileSync("rdma", ["-j", "resource", "show", kind], { encoding: "utf8" }));
  return all.filter((one) => one.pid === process.pid);
}

/** Packets that have crossed the wire. */
export function packets() {
  assert.ok(onWire);
  const of = (end) => Number(readFileSync(`/sys/class/net/${end}/statistics/tx_packets`, "utf8"));
  return ENDS.reduce((sum, end) => sum + of(end), 0);
}

/** Does it while both ends of the wire queue packets as netem is told; returns how many each of them dropped. */
export async function withNetem(words, body) {
  for (const end of ENDS) tc("add", end, "netem", ...words);
  await body();
  const dropped = ENDS.map((end) => Number(/dropped (\d+)/.exec(tc("show", end))[1]));
  for (const end of ENDS) tc("del", end);
  return dropped;
}

function tc(action, end, ...discipline) {
  const words = action === "show" ? ["-s", "qdisc", "show", "dev", end] : ["qdisc", action, "dev", end, "root"];
  return execFileSync("tc", [...words, ...discipline], { encoding: "utf8" });
}
