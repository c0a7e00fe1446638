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
    await use({ sockets, connect });
  } finally {
    for (const client of clients) client.disconnect();
    sockets.disconnectSockets(true);
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
        all.forEach((client, i) => client.on("news", (text) => came[i].push(text)));
        await Promise.all(
          all.map((client, i) => client.timeout(10_000).emitWithAck("join", i % 2 === 0 ? "even" : "odd")),
        );
        sockets.to("even").emit("news", "for even");
        sockets.emit("news", "for all");
        await until(() => came.every((texts) => texts.includes("for all")), "the news");
        came.forEach((texts, i) => assert.deepEqual(texts, i % 2 === 0 ? ["for even", "for all"] : ["for all"]));
      }),

    [`${by}: a connection that breaks is made again`]: (via) =>
      serving(via, transports, async ({ connect, sockets }) => {
        const client = await connect();
        const [first] = await sockets.fetchSockets();
        const lost = event(client, "disconnect");
        const again = event(client, "connect");
        sockets.sockets.sockets.get(first.id).conn.transport.onError("cut", "by the test");
        await lost;
        await within(again, "the new connection");
        assert.deepEqual(await client.timeout(10_000).emitWithAck("echo", "again"), "again");
      }),
  });
}
export default cases;
