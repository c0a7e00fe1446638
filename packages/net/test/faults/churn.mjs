/** Connections that come and go. */
import assert from "node:assert/strict";
import { event, happens, until } from "../libraries/support.mjs";

async function served(via, act) {
  const { net } = via;
  let closed = 0;
  let open = 0;
  let failed = 0;
  const server = net.createServer((socket) => {
    open++;
    socket.on("error", () => failed++);
    socket.on("close", () => {
      open--;
      closed++;
    });
    socket.end("good day");
    socket.resume();
  });
  const port = await via.listen(server);
  await act(port);
  await until(() => open === 0, "the end of the server's sockets", 5000);
  await via.close(server);
  return { open, closed, failed };
}

async function once(net, port) {
  const socket = net.connect(port, "127.0.0.1");
  let text = "";
  socket.on("data", (bytes) => {
    text += bytes;
  });
  await event(socket, "close");
  assert.equal(text, "good day");
}

const same = async (via, act) => {
  const before = via.descriptors();
  const result = await act();
  await until(() => via.descriptors() <= before, "as many descriptors as before", 5000);
  return result;
};

export default {
  "2,000 connections, one after the other": (via) =>
    same(via, async () => {
      const result = await served(via, async (port) => {
        for (let i = 0; i < 2000; i++) await once(via.net, port);
      });
      assert.deepEqual(result, { open: 0, closed: 2000, failed: 0 });
    }),

  "500 connections at once, three times": (via) =>
    same(via, async () => {
      const result = await served(via, async (port) => {
        for (let i = 0; i < 3; i++) await Promise.all(Array.from({ length: 500 }, () => once(via.net, port)));
      });
      assert.deepEqual(result, { open: 0, closed: 1500, failed: 0 });
    }),

  "500 that are destroyed as soon as they are asked for": (via) =>
    same(via, () =>
      served(via, async (port) => {
        const sockets = Array.from({ length: 500 }, () => via.net.connect(port, "127.0.0.1"));
        const closes = sockets.map((socket) => happens(socket, "close"));
        for (const socket of sockets) socket.on("error", () => {});
        for (const [i, socket] of sockets.entries()) {
          if (i % 2 === 0) socket.destroy();
          else setImmediate(() => socket.destroy());
        }
        await Promise.all(closes);
      }).then(({ open }) => assert.equal(open, 0)),
    ),

  "500 to a port that nobody listens on": (via) =>
    same(via, async () => {
      const server = via.net.createServer();
      const port = await via.listen(server);
      await via.close(server);
      const codes = await Promise.all(
        Array.from({ length: 500 }, async () => {
          const socket = via.net.connect(port, "127.0.0.1");
          const closes = happens(socket, "close");
          const { code } = await happens(socket, "error");
          await closes;
          return code;
        }),
      );
      assert.deepEqual([...new Set(codes)], ["ECONNREFUSED"]);
    }),
};
