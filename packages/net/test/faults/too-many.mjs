/** More connections than a libOS has room for: those within are served, the others later, and none of them ends the server. */
import assert from "node:assert/strict";
import nodeNet from "node:net";
import { happens, until } from "../libraries/support.mjs";

const MANY = 150;

export default {
  "a server of more clients than there is room for": async (via) => {
    const errors = [];
    const sockets = new Set();
    const server = via.net.createServer((socket) => {
      sockets.add(socket);
      socket.on("error", (error) => errors.push(String(error)));
      socket.on("close", () => sockets.delete(socket));
      socket.pipe(socket);
    });
    const port = await via.listen(server);
    server.on("error", (error) => errors.push(String(error)));
    let [served, ended] = [0, 0];
    const waiting = new Set();
    for (let i = 0; i < MANY; i++) {
      const client = nodeNet.connect(port, "127.0.0.1");
      waiting.add(client);
      client.on("error", () => {});
      client.on("close", () => {
        ended++;
        waiting.delete(client);
      });
      client.write("hello");
      client.once("data", () => served++);
    }
    await until(() => served >= 20, "the first of them served");
    // As some of them go, others have their turn.
    for (const client of waiting) {
      await until(() => client.bytesRead > 0 || client.destroyed, "an answer, or an end");
      client.destroy();
    }
    await until(() => ended === MANY && sockets.size === 0, "all ends");
    assert.deepEqual({ errors, served }, { errors: [], served: MANY });
    await via.close(server);
  },

  "more clients than there is room for": async (via) => {
    const server = nodeNet.createServer((socket) => socket.on("error", () => {}).pipe(socket));
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address();
    const codes = {};
    let [served, closed] = [0, 0];
    const clients = Array.from({ length: MANY }, () => {
      const client = via.net.connect(port, "127.0.0.1", () => client.write("hello"));
      client.once("data", () => served++);
      client.on("close", () => closed++);
      client.on("error", ({ code }) => {
        codes[code] = (codes[code] ?? 0) + 1;
      });
      return client;
    });
    await until(() => served + closed === MANY, "an answer, or an end of each");
    assert.ok(served >= 20, `${served} served`);
    if (via.mode === "ours")
      assert.deepEqual(
        Object.keys(codes).filter((code) => !["EMFILE", "EAGAIN"].includes(code)),
        [],
      );
    else assert.deepEqual(codes, {});
    for (const client of clients) client.destroy();
    await until(() => closed === MANY, "all ends");
    // There is room again.
    const client = via.net.connect(port, "127.0.0.1", () => client.end("hello"));
    assert.equal(String(await happens(client, "data")), "hello");
    await happens(client, "close");
    await new Promise((resolve) => server.close(resolve));
    return { codes };
  },
};
