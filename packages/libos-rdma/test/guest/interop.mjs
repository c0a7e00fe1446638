// Interop without libfabric on the other side, over rxe0: the C peer that INTEROP_PEER names connects to a libOS that echoes, and echoes what
// a libOS sends.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { openLibOS } from "@demikernel/core";
import { generator, runCases } from "../../../../tools/lab-vm/guest-cases.mjs";
import { SMALL } from "./two-ports.mjs";

const HOST = "10.9.0.1";
const LIMIT_MS = 120_000;

/** What each side says in its handshake: the peer's options, the libOS's. */
const sides = {
  "both as they come": [{ messages: 40 }, {}],
  "a peer with one credit and the smallest receives": [{ credits: 1, buffer: 64, most: 2000, messages: 40 }, {}],
  "a libOS with one credit, a peer that sends seven bytes at once": [
    { fragment: 7, most: 3000, messages: 12 },
    { credits: 1, slot: 256 },
  ],
  "large receives on both sides": [
    { buffer: 65_536, most: 262_144, messages: 40 },
    { slot: 65_536, receives: 1024 },
  ],
  "an odd number of credits": [{ credits: 3, most: 100_000, messages: 30 }, { credits: 3 }],
};

const random = generator();
const cases = {};
for (const [name, [theirs, ours]] of Object.entries(sides)) {
  cases[`the peer connects: ${name}`] = () => peerConnects(theirs, ours);
  cases[`the peer listens: ${name}`] = () => peerListens(theirs, ours);
}
cases["a request of another version is rejected with reason 1"] = rejectsVersion;
cases["a reply of another version ends the connect with EPROTO"] = refusesReply;

async function peerConnects(theirs, ours) {
  await withLibOS(ours, async (os) => {
    const { listener, port } = listen(os);
    const peer = start("connect", port, { ...theirs, seed: 7 });
    const qd = await os.async.accept(listener);
    for await (const sga of os.async.messages(qd))
      await os.async.push(qd, os.sga.from(os.sga.copy(sga)), { free: true });
    await closed(os, [qd, listener]);
    assert.match(await peer.output(), /^checked \d+ messages/);
  });
}

async function peerListens(theirs, ours) {
  await withLibOS(ours, async (os) => {
    const peer = start("serve", freePort(), theirs);
    await peer.listening();
    const qd = os.socket("tcp");
    await os.async.connect(qd, { host: HOST, port: peer.port });
    const count = theirs.messages ?? 100;
    const sizes = Array.from({ length: count }, (_, i) =>
      i % 10 === 0 ? (theirs.most ?? 1 << 20) : 1 + Math.floor(random() * 300),
    );
    const sent = createHash("sha256");
    const got = createHash("sha256");
    const echoes = (async () => {
      for (const [i, size] of sizes.entries()) {
        const sga = await os.async.pop(qd);
        assert.equal(os.sga.length(sga), size, `message ${i}`);
        got.update(os.sga.copy(sga));
        os.free(sga);
      }
    })();
    for (const size of sizes) {
      const bytes = randomBytes(size);
      sent.update(bytes);
      await os.async.push(qd, os.sga.from(bytes), { free: true });
    }
    os.shutdown(qd);
    await echoes;
    assert.equal(got.digest("hex"), sent.digest("hex"));
    await closed(os, [qd]);
    assert.match(await peer.output(), new RegExp(`echoed ${count} messages, ${sizes.reduce((a, b) => a + b)} bytes`));
  });
}

async function rejectsVersion() {
  await withLibOS({}, async (os) => {
    const { listener, port } = listen(os);
    const accepting = os.accept(listener);
    const peer = start("connect", port, { version: 2 });
    const status = peer.exited;
    // Requests are answered while the libOS is polled.
    while (peer.process.exitCode === null) {
      assert.equal(os.poll(accepting), undefined, "nothing is accepted");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal(await status, 3);
    assert.match(peer.text(), /rejected with reason 1/);
    assert.equal(os.stats()["rdma.requestsRefused"], 1);
    await closed(os, [listener]);
  });
}

async function refusesReply() {
  await withLibOS({}, async (os) => {
    const peer = start("serve", freePort(), { version: 2 });
    await peer.listening();
    const qd = os.socket("tcp");
    await assert.rejects(os.async.connect(qd, { host: HOST, port: peer.port }), { code: "EPROTO" });
    await closed(os, [qd]);
    await peer.exited;
    assert.match(peer.text(), /disconnected without an end/);
  });
}

async function withLibOS(options, body) {
  const os = await openLibOS({
    libos: "rdma",
    provider: "verbs",
    from: import.meta.url,
    arena: SMALL.arena,
    ...options,
  });
  try {
    await body(os);
  } finally {
    os.destroy();
  }
}

function listen(os) {
  const listener = os.socket("tcp");
  os.bind(listener, { host: HOST, port: 0 });
  os.listen(listener);
  return { listener, port: os.getsockname(listener).port };
}

/** Closes these; nothing is posted afterwards. */
async function closed(os, queues) {
  for (const qd of queues) os.close(qd);
  for (let tries = 0; os.stats()["rdma.postedReceives"] + os.stats()["rdma.sendsUnderWay"] > 0; tries++) {
    assert.ok(tries < 600, `still posted: ${JSON.stringify(os.stats())}`);
    os.turn(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

let lastPort = 18_000;
function freePort() {
  lastPort += 1;
  return lastPort;
}

const running = new Set();

function start(role, port, options) {
  const words = Object.entries(options).flatMap(([key, value]) => [`--${key}`, String(value)]);
  const child = spawn(process.env.INTEROP_PEER, [role, HOST, String(port), ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  running.add(child);
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (part) => {
      text += part;
    });
  }
  const exited = once(child, "close").then(([status]) => {
    running.delete(child);
    return status;
  });
  return {
    process: child,
    port,
    exited,
    text: () => text,
    async output() {
      const status = await exited;
      assert.equal(status, 0, `the peer ended with ${status}: ${text}`);
      return text;
    },
    async listening() {
      while (!text.includes("listening")) {
        assert.equal(child.exitCode, null, `the peer ended: ${text}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      text = "";
    },
  };
}

await runCases("interop", cases, {
  limit: LIMIT_MS,
  after: () => {
    for (const child of running) child.kill("SIGKILL");
  },
});
