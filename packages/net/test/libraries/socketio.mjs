/** socket.io, by both of its transports. */
import assert from "node:assert/strict";
import http from "node:http";
import { Server } from "socket.io";
import { io } from "socket.io-client";
import { event, patternOf, until, within } from "./support.mjs";

async function serving(via, transports, use) {
  const server = http.createServer();
  const sockets = new Server(server, { serveClient: false, maxHttpBufferSize: 8 * 1024 * 1024 });
  sockets.on("connection", (socket) => {
    socket.on("echo", (data, done) => done(data));
    socket.on("join", async (room, done) => {
      await socket.join(room);
      done();
    });
  });
  const streams = new Set();
  server.on("connection", (socket) => {
    streams.add(socket);
    socket.on("close", () => streams.delete(socket));
  });
  const { port, close } = await via.listen(server);
  const clients = [];
  const agent = via.agent({ keepAlive: true });
  const connect = async () => {
    const client = io(`http://127.0.0.1:${port}`, {
      transports,
      agent,
      forceNew: true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 50,
    });
    clients.push(client);
    await event(client, "connect");
    return client;
  };
  try {
    await use({ sockets, streams, connect });
  } finally {
    for (const client of clients) client.disconnect();
    await until(() => sockets.engine.clientsCount === 0, "the sessions' ends");
    sockets.engine.close();
    agent.destroy();
    server.closeAllConnections();
    await close();
  }
}

const cases = {};
for (const transports of [["polling"], ["websocket"], ["polling", "websocket"]]) {
  const by = transports.join(", then ");
  Object.assign(cases, {
    [`${by}: acknowledgements, in order`]: (via) =>
      serving(via, transports, async ({ connect }) => {
        const client = await connect();
        const answers = await Promise.all(
          Array.from({ length: 100 }, (_, i) => client.timeout(10_000).emitWithAck("echo", { i })),
        );
        assert.deepEqual(
          answers,
          Array.from({ length: 100 }, (_, i) => ({ i })),
        );
      }),

    [`${by}: 1 MiB of bytes both ways`]: (via) =>
      serving(via, transports, async ({ connect }) => {
        const client = await connect();
        const bytes = patternOf(1024 * 1024);
        const came = await client.timeout(10_000).emitWithAck("echo", bytes);
        assert.ok(bytes.equals(came));
      }),

    [`${by}: rooms`]: (via) =>
      serving(via, transports, async ({ connect, sockets }) => {
        const all = await Promise.all(Array.from({ length: 10 }, connect));
        const came = all.map(() => []);
        for (const [i, client] of all.entries()) client.on("news", (text) => came[i].push(text));
        await Promise.all(
          all.map((client, i) => client.timeout(10_000).emitWithAck("join", i % 2 === 0 ? "even" : "odd")),
        );
        sockets.to("even").emit("news", "for even");
        sockets.emit("news", "for all");
        await until(() => came.every((texts) => texts.includes("for all")), "the news");
        for (const [i, texts] of came.entries())
          assert.deepEqual(texts, i % 2 === 0 ? ["for even", "for all"] : ["for all"]);
      }),

    [`${by}: a connection that breaks is made again`]: (via) =>
      serving(via, transports, async ({ connect, sockets, streams }) => {
        const client = await connect();
        const last = transports[transports.length - 1];
        // A session that ends while it changes its transport stays with engine.io until its ping's time is over.
        const changed = () =>
          until(
            () => Object.values(sockets.engine.clients).every(({ transport }) => transport.name === last),
            `the transport ${last}`,
          );
        await changed();
        const lost = event(client, "disconnect");
        const again = event(client, "connect");
        // Who polls asks again when its connection breaks: the session has to end.
        if (last === "polling") for (const session of Object.values(sockets.engine.clients)) session.close();
        else for (const stream of streams) stream.resetAndDestroy();
        await lost;
        await within(again, "the new connection");
        await changed();
        assert.deepEqual(await client.timeout(10_000).emitWithAck("echo", "again"), "again");
      }),
  });
}
export default cases;
