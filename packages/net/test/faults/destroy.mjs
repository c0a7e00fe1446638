/** destroy() wherever a callback is, once and twice: one 'close', no error, nothing uncaught. */
import assert from "node:assert/strict";
import { happens, until, within } from "../libraries/support.mjs";

const BIG = Buffer.alloc(4 * 1024 * 1024, "x");

/** Destroys `socket`, and what must hold then. */
function destroy(socket, error) {
  socket.destroy(error);
  assert.equal(socket.destroyed, true);
  socket.destroy();
  socket.destroy(new Error("the second is not told"));
}

/** A server whose sockets `act` is given, and a client of it by `options`, which `begin` is given. */
async function pair(via, { act = () => {}, options = {}, begin, calls: expected = 1 }) {
  const sockets = new Set();
  const server = via.net.createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    act(socket);
  });
  const port = await via.listen(server);
  let calls = 0;
  let closes = 0;
  const errors = [];
  const client = via.net.connect({ port, host: "127.0.0.1", ...options });
  client.on("close", () => closes++);
  client.on("error", (error) => errors.push(error));
  const called = new Promise((resolve) => {
    begin(client, () => {
      calls++;
      destroy(client);
      resolve();
    });
  });
  await within(called, "the callback", 5000);
  await until(() => closes > 0, "'close'", 5000);
  for (const socket of sockets) destroy(socket);
  await until(() => sockets.size === 0, "the server's sockets", 5000);
  await via.close(server);
  assert.deepEqual({ calls, closes, errors }, { calls: expected, closes: 1, errors: [] });
}

const greets = (socket) => {
  socket.write(BIG);
  socket.resume();
};

/** net.js of Node 20 goes on with the handle that is gone. */
const beyondNode = {
  "in 'connectionAttempt'": (via) => pair(via, { begin: (client, end) => client.on("connectionAttempt", end) }),
};

export default {
  ...(process.argv[3] === "node" ? {} : beyondNode),
  "in 'connect'": (via) => pair(via, { begin: (client, end) => client.on("connect", end) }),
  "in 'ready'": (via) => pair(via, { begin: (client, end) => client.on("ready", end) }),
  "in 'data'": (via) => pair(via, { act: greets, begin: (client, end) => client.on("data", end) }),
  "in 'readable'": (via) =>
    pair(via, {
      act: greets,
      begin: (client, end) =>
        client.on("readable", () => {
          if (!client.destroyed) end();
        }),
    }),
  "in an onread callback": (via) => {
    let end;
    return pair(via, {
      act: greets,
      options: { onread: { buffer: Buffer.alloc(1000), callback: () => end() } },
      begin: (_client, given) => {
        end = given;
      },
    });
  },
  "in 'end'": (via) =>
    pair(via, { act: (socket) => socket.end("x").resume(), begin: (client, end) => client.on("end", end).resume() }),
  "in 'drain'": (via) =>
    pair(via, {
      act: (socket) => socket.resume(),
      begin: (client, end) => client.on("drain", end).write(BIG),
    }),
  "in 'finish'": (via) =>
    pair(via, { act: (socket) => socket.resume(), begin: (client, end) => client.on("finish", end).end(BIG) }),
  "in 'timeout'": (via) => pair(via, { begin: (client, end) => client.setTimeout(20, end) }),
  "in 'lookup'": (via) =>
    pair(via, {
      options: {
        host: "a.name",
        lookup: (_host, options, found) =>
          setImmediate(() =>
            options.all ? found(null, [{ address: "127.0.0.1", family: 4 }]) : found(null, "127.0.0.1", 4),
          ),
      },
      begin: (client, end) => client.on("lookup", end),
    }),
  "in lookup() itself": (via) => {
    let end;
    return pair(via, {
      options: {
        host: "a.name",
        lookup: (_host, _options, found) =>
          setImmediate(() => {
            end();
            found(null, "127.0.0.1", 4);
          }),
      },
      begin: (_client, given) => {
        end = given;
      },
    });
  },
  "in a write's callback": (via) =>
    pair(via, { act: (socket) => socket.resume(), begin: (client, end) => client.write("x", () => end()) }),
  "in a write's callback, with more behind it": (via) =>
    pair(via, {
      act: (socket) => socket.resume(),
      begin: (client, end) => {
        client.write("x", () => end());
        for (let i = 0; i < 100; i++) client.write(BIG.subarray(0, 10_000));
      },
    }),
  "in end()'s callback": (via) =>
    pair(via, { act: (socket) => socket.resume(), begin: (client, end) => client.end("x", () => end()) }),
  "in 'close'": (via) => pair(via, { begin: (client, end) => client.on("close", end).destroy() }),
  "within the turn of connect()": (via) => pair(via, { begin: (_client, end) => end() }),
  "while much is being sent": (via) =>
    pair(via, {
      begin: (client, end) =>
        client.on("connect", () => {
          client.write(BIG);
          setImmediate(end);
        }),
    }),

  "in 'error', with the error that it had": async (via) => {
    const server = via.net.createServer();
    const port = await via.listen(server);
    await via.close(server);
    const client = via.net.connect(port, "127.0.0.1");
    const errors = [];
    client.on("error", (error) => {
      errors.push(error.code);
      destroy(client, new Error("another"));
    });
    await happens(client, "close");
    assert.deepEqual(errors, ["ECONNREFUSED"]);
  },

  "in the server's 'connection'": async (via) => {
    let closes = 0;
    const server = via.net.createServer((socket) => {
      socket.on("close", () => closes++);
      destroy(socket);
    });
    const port = await via.listen(server);
    const clients = Array.from({ length: 20 }, () => via.net.connect(port, "127.0.0.1"));
    for (const client of clients) client.on("error", () => {}).resume();
    await Promise.all(clients.map((client) => happens(client, "close")));
    await until(() => closes === 20, "'close' of the server's");
    await via.close(server);
    assert.equal(closes, 20);
  },

  "with an error, in the server's 'connection', the server closed in it": async (via) => {
    const errors = [];
    const server = via.net.createServer((socket) => {
      socket.on("error", ({ message }) => errors.push(message));
      destroy(socket, new Error("the first"));
      server.close();
    });
    const port = await via.listen(server);
    const ends = happens(server, "close");
    const client = via.net.connect(port, "127.0.0.1").on("error", () => {});
    client.resume();
    await Promise.all([ends, happens(client, "close")]);
    assert.deepEqual(errors, ["the first"]);
  },

  "a listener that throws leaves the others alive": async (via) => {
    const { net } = via;
    const server = net.createServer((socket) => {
      socket.on("error", () => {});
      socket.pipe(socket);
    });
    const port = await via.listen(server);
    const [bad, good] = [net.connect(port, "127.0.0.1"), net.connect(port, "127.0.0.1")];
    bad.on("data", () => {
      throw new Error("a listener's");
    });
    const before = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    try {
      const thrown = happens(process, "uncaughtException");
      bad.write("x");
      assert.equal((await thrown).message, "a listener's");
    } finally {
      for (const listener of before) process.on("uncaughtException", listener);
    }
    good.write("x");
    assert.equal(String(await happens(good, "data")), "x");
    destroy(bad);
    destroy(good);
    await via.close(server);
  },
};
