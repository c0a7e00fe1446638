/** WebSockets, by ws. */
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { WebSocket, WebSocketServer } from "ws";
import { event, patternOf, settled, until, within } from "./support.mjs";

/** A server and what connects to it; both are ended. */
async function serving(via, use, options = {}) {
  const server = http.createServer();
  const sockets = new WebSocketServer({ server, ...options });
  const { port, close } = await via.listen(server);
  const clients = [];
  const connect = async (clientOptions = {}) => {
    const accepted = event(sockets, "connection");
    const client = new WebSocket(`ws://127.0.0.1:${port}`, { ...via.socketOptions, ...clientOptions });
    clients.push(client);
    await event(client, "open");
    const [peer] = await accepted;
    return { client, peer };
  };
  try {
    await use({ connect, sockets, port });
  } finally {
    for (const client of [...clients, ...sockets.clients]) client.terminate();
    sockets.close();
    await close();
  }
}

/** So many messages, as they come. */
async function messagesOf(socket, count) {
  const all = [];
  const listen = (data, isBinary) => all.push(isBinary ? data : data.toString());
  socket.on("message", listen);
  await until(() => all.length >= count, `${count} messages`);
  socket.off("message", listen);
  return all;
}

const closed = async (socket) => {
  const [code, reason] = await event(socket, "close");
  return [code, reason.toString()];
};

export default {
  "messages of 0 bytes to 1 MiB both ways, in order": (via) =>
    serving(via, async ({ connect }) => {
      const { client, peer } = await connect();
      peer.on("message", (data, isBinary) => peer.send(data, { binary: isBinary }));
      const sent = [0, 1, 125, 126, 4096, 16 * 1024, 65535, 65536, 1024 * 1024].map((bytes) => patternOf(bytes, bytes));
      const coming = messagesOf(client, sent.length);
      for (const message of sent) client.send(message);
      const came = await coming;
      for (const [i, message] of came.entries()) assert.ok(message.equals(sent[i]), `message ${i}`);
    }),

  "400 messages of 16 KiB, sent at once": (via) =>
    serving(via, async ({ connect }) => {
      const { client, peer } = await connect();
      const coming = messagesOf(peer, 400);
      for (let i = 0; i < 400; i++) client.send(patternOf(16 * 1024, i));
      const came = await coming;
      for (const [i, message] of came.entries()) assert.ok(message.equals(patternOf(16 * 1024, i)), `message ${i}`);
    }),

  "fragments make one message, with a ping between them": (via) =>
    serving(via, async ({ connect }) => {
      const { client, peer } = await connect();
      const coming = messagesOf(peer, 1);
      const pinged = event(peer, "ping");
      for (let i = 0; i < 50; i++) {
        client.send(`${i},`, { fin: false });
        if (i === 25) client.ping("between");
      }
      client.send("end", { fin: true });
      assert.deepEqual(await coming, [`${Array.from({ length: 50 }, (_, i) => `${i},`).join("")}end`]);
      assert.equal((await pinged)[0].toString(), "between");
    }),

  "ping and pong both ways": (via) =>
    serving(via, async ({ connect }) => {
      const { client, peer } = await connect();
      for (const [from, data] of [
        [client, "from the client"],
        [peer, "from the server"],
      ]) {
        const pong = event(from, "pong");
        from.ping(data);
        assert.equal((await pong)[0].toString(), data);
      }
    }),

  "permessage-deflate": (via) =>
    serving(
      via,
      async ({ connect }) => {
        const { client, peer } = await connect({ perMessageDeflate: { threshold: 0 } });
        assert.match(client.extensions, /permessage-deflate/);
        peer.on("message", (data) => peer.send(data.toString()));
        const sent = Array.from({ length: 50 }, (_, i) => `${i} `.repeat(5000));
        const coming = messagesOf(client, sent.length);
        for (const text of sent) client.send(text);
        assert.deepEqual(await coming, sent);
      },
      { perMessageDeflate: { threshold: 0 } },
    ),

  "close codes and reasons both ways": (via) =>
    serving(via, async ({ connect }) => {
      for (const by of ["client", "peer"]) {
        const both = await connect();
        const ends = Promise.all([closed(both.client), closed(both.peer)]);
        both[by].close(4001, `by ${by}`);
        assert.deepEqual(await ends, [
          [4001, `by ${by}`],
          [4001, `by ${by}`],
        ]);
      }
    }),

  "terminate: the peer sees 1006": (via) =>
    serving(via, async ({ connect }) => {
      for (const by of ["client", "peer"]) {
        const both = await connect();
        const other = by === "client" ? both.peer : both.client;
        const end = closed(other);
        both[by].terminate();
        assert.deepEqual(await end, [1006, ""]);
      }
    }),

  "50 clients and a broadcast": (via) =>
    serving(via, async ({ connect, sockets }) => {
      const all = [];
      for (let i = 0; i < 50; i++) all.push((await connect()).client);
      const coming = Promise.all(all.map((client) => messagesOf(client, 20)));
      for (let i = 0; i < 20; i++) for (const peer of sockets.clients) peer.send(`message ${i}`);
      for (const came of await coming)
        assert.deepEqual(
          came,
          Array.from({ length: 20 }, (_, i) => `message ${i}`),
        );
    }),

  "who does not read: bufferedAmount grows, and falls when it reads": (via) =>
    serving(via, async ({ connect }) => {
      const { client, peer } = await connect();
      client.pause();
      const message = patternOf(256 * 1024);
      let sent = 0;
      while (peer.bufferedAmount < 8 * 1024 * 1024) {
        peer.send(message);
        sent++;
        assert.ok(sent < 400, "bufferedAmount does not grow");
        if (sent % 16 === 0) await settled(() => peer.bufferedAmount + 1, "what waits");
      }
      const coming = messagesOf(client, sent);
      client.resume();
      for (const data of await within(coming, "what waited")) assert.equal(data.length, message.length);
      await until(() => peer.bufferedAmount === 0, "an empty buffer");
    }),

  "an upgrade that is refused": (via) =>
    serving(
      via,
      async ({ port }) => {
        const client = new WebSocket(`ws://127.0.0.1:${port}`, via.socketOptions);
        const [error] = await once(client, "error").catch((error) => [error]);
        assert.match(error.message, /401/);
      },
      { verifyClient: () => false },
    ),
};
