/** A client that never reads, and a server that writes on. */
import assert from "node:assert/strict";
import nodeNet from "node:net";
import { event, happens, Talk, until } from "../libraries/support.mjs";

const MiB = 1024 * 1024;
const ALL = 64 * MiB;
/** So much is written whatever write() says. */
const IGNORING = 8 * MiB;
const CHUNK = 64 * 1024;
const MOST_MORE = 40 * MiB;

/** Heap, buffers, and what the arena's slots hold at most. */
const SLOT = 64 * 1024;
function memory(via) {
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external + via.slots() * SLOT;
}

/** Writes until it is told to wait, with no look at that at first. */
function pour(socket, state) {
  while (state.written < ALL) {
    const goesOn = socket.write(Buffer.alloc(CHUNK, "x"));
    state.written += CHUNK;
    if (!goesOn && state.written >= IGNORING) {
      state.waits++;
      socket.once("drain", () => pour(socket, state));
      return;
    }
  }
}

/** The unread one, over the kernel: its socket, and the server's; others are echoed. */
async function begin(via) {
  const sockets = new Set();
  const state = { written: 0, waits: 0, error: undefined, socket: undefined };
  const server = via.net.createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", (error) => {
      state.error = error;
    });
    socket.once("data", (first) => {
      if (first.toString() !== "pour") {
        socket.write(first);
        socket.pipe(socket);
        return;
      }
      state.socket = socket;
      pour(socket, state);
    });
  });
  const port = await via.listen(server);
  const client = nodeNet.connect({ port, host: "127.0.0.1" });
  client.on("error", () => {});
  await event(client, "connect");
  client.pause();
  const before = memory(via);
  client.write("pour");
  await until(() => state.waits > 0, "a write that waits");
  return { server, port, client, state, sockets, before };
}

async function echoes(port) {
  const talk = await Talk.to(nodeNet, port);
  talk.socket.write("hello");
  await talk.says(/hello/);
  const text = "y".repeat(MiB);
  talk.socket.write(text);
  await until(() => talk.text.length === MiB + 5, "all of what others sent");
  talk.socket.destroy();
}

/** What is in the kernel's buffers goes there first: then nothing moves. */
async function stall({ state }) {
  let last = -1;
  let since = Date.now();
  await until(() => {
    const now = state.socket.bytesWritten - state.socket.writableLength + state.written;
    if (now !== last) since = Date.now();
    last = now;
    return Date.now() - since > 200;
  }, "no more movement");
}

async function end(via, { server, client, state, sockets, before }, kind) {
  const closes = happens(state.socket, "close");
  if (kind === "reset") client.resetAndDestroy();
  else state.socket.destroy();
  await closes;
  if (kind === "reset") assert.ok(["ECONNRESET", "EPIPE"].includes(state.error?.code), String(state.error));
  client.destroy();
  await until(() => sockets.size === 0, "the end of the server's sockets");
  await via.close(server);
  assert.ok(state.written < ALL, "it was never made to wait");
  state.socket = undefined;
  await until(() => memory(via) - before < 4 * MiB, "memory as before", 5000).catch(() => {
    throw new Error(`${memory(via) - before} bytes more than before`);
  });
}

const cases = {};
for (const kind of ["reset", "destroy"]) {
  cases[`64 MiB to who never reads, until ${kind}`] = async (via) => {
    const all = await begin(via);
    await stall(all);
    const more = memory(via) - all.before;
    await Promise.all([echoes(all.port), echoes(all.port)]);
    assert.equal(all.state.waits, 1);
    assert.ok(more < MOST_MORE, `${more} bytes more`);
    await end(via, all, kind);
    return { more };
  };
}
cases["it reads after all"] = async (via) => {
  const { server, client, state, sockets } = await begin(via);
  await stall({ state });
  let bytes = 0;
  client.on("data", (some) => {
    bytes += some.length;
  });
  client.resume();
  await until(() => bytes === ALL, "all of the 64 MiB");
  assert.ok(state.waits > 1);
  client.end();
  await until(() => sockets.size === 0, "the end of the server's sockets");
  await via.close(server);
};
export default cases;
