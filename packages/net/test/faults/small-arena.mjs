/** Fewer slots than connections: writes wait for memory, and go on. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { digestOf, flow, until } from "../libraries/support.mjs";

export const options = {
  arena: [
    { size: 4096, count: 64 },
    { size: 65536, count: 4 },
  ],
};
const MANY = 50;
const BYTES = 1024 * 1024;

const expected = digestOf(flow(BYTES));

async function echoes(via, write) {
  let open = 0;
  const server = via.net.createServer({ allowHalfOpen: true }, (socket) => {
    open++;
    socket.on("close", () => open--);
    socket.pipe(socket);
  });
  const port = await via.listen(server);
  const digest = await expected;
  const digests = await Promise.all(
    Array.from({ length: MANY }, () => {
      const socket = via.net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      write(socket);
      return digestOf(socket);
    }),
  );
  assert.deepEqual([...new Set(digests)], [digest]);
  await until(() => open === 0, "the end of the server's sockets", 5000);
  await via.close(server);
}

export default {
  "50 connections echo 1 MiB each": (via) => echoes(via, (socket) => flow(BYTES).pipe(socket)),
  "50 connections echo 1 MiB each, that is written at once": async (via) => {
    const all = Buffer.concat(await flow(BYTES).toArray());
    assert.equal(`${BYTES} ${createHash("sha256").update(all).digest("hex")}`, await expected);
    await echoes(via, (socket) => socket.end(all));
  },
  "those that wait for memory are destroyed": async (via) => {
    const server = via.net.createServer((socket) => socket.on("error", () => {}));
    const port = await via.listen(server);
    const accepted = [];
    server.on("connection", (socket) => accepted.push(socket));
    const closes = Array.from({ length: MANY }, () => {
      const socket = via.net.connect(port, "127.0.0.1");
      socket.on("error", () => {});
      socket.on("connect", () => {
        socket.write(Buffer.alloc(16 * BYTES));
        setTimeout(() => socket.destroy(), 20);
      });
      return new Promise((resolve) => socket.on("close", resolve));
    });
    await Promise.all(closes);
    for (const socket of accepted) socket.destroy();
    await via.close(server);
  },
  "a callback that throws of a write that waited for memory": async (via) => {
    const server = via.net.createServer((socket) => socket.on("error", () => {}).pipe(socket));
    const port = await via.listen(server);
    const clients = [];
    const thrown = [];
    const before = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", ({ message }) => thrown.push(message));
    try {
      for (let i = 0; i < MANY; i++) {
        const client = via.net.connect(port, "127.0.0.1");
        clients.push(client);
        client.on("error", () => {}).resume();
        client.write(Buffer.alloc(BYTES), () => {
          throw new Error("a callback's");
        });
      }
      await until(() => thrown.length === MANY, "all callbacks");
    } finally {
      process.removeAllListeners("uncaughtException");
      for (const listener of before) process.on("uncaughtException", listener);
    }
    assert.deepEqual([...new Set(thrown)], ["a callback's"]);
    for (const client of clients) client.destroy();
    // All goes on.
    const client = via.net.connect(port, "127.0.0.1");
    client.end("hello");
    assert.equal(await digestOf(client), `5 ${createHash("sha256").update("hello").digest("hex")}`);
    await via.close(server);
  },
};
