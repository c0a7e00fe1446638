/** Peers over the kernel's sockets that misbehave, and servers of ours: an event, never an uncaught exception, nothing left. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import http from "node:http";
import nodeNet from "node:net";
import { WebSocketServer } from "ws";
import { event, happens, Talk, until } from "../libraries/support.mjs";

const MiB = 1024 * 1024;
const RESETS = new Set(["ECONNRESET", "EPIPE"]);

/** A server of `make`, a peer of it over the kernel, and what its sockets tell. */
async function meet(via, make, act) {
  const told = { errors: [], ends: 0, closes: 0 };
  const sockets = new Set();
  const server = make(via.net);
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", ({ code }) => told.errors.push(code));
    socket.on("end", () => told.ends++);
    socket.on("close", () => {
      sockets.delete(socket);
      told.closes++;
    });
  });
  const port = await via.listen(server);
  await act({ port, told, sockets, server, connect: (options) => Talk.to(nodeNet, port, options) });
  await until(() => sockets.size === 0, "the end of the server's sockets", 5000);
  await via.close(server);
  return told;
}

const plain = (listener, options) => (net) => net.createServer(options ?? {}, listener);
const assertResets = ({ errors }, many) => {
  assert.equal(errors.length, many);
  for (const code of errors) assert.ok(RESETS.has(code), code);
};

/** Requests that are none. */
const GARBAGE = [
  "GARBAGE\r\n\r\n",
  "GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
  "GET / HTTP/9.9\r\n\r\n",
  `GET / HTTP/1.1\r\nHost: a\r\nX: ${"y".repeat(100_000)}\r\n\r\n`,
  "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
  "\0\0\0\0\0\0\0\0\r\n\r\n",
];
const UPGRADE =
  "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

export default {
  "a reset in the middle of the server's write": async (via) => {
    const told = await meet(
      via,
      plain((socket) => socket.write(Buffer.alloc(32 * MiB))),
      async ({ connect }) => {
        const talks = await Promise.all(Array.from({ length: 20 }, () => connect()));
        for (const talk of talks) await until(() => talk.text.length > 0, "some bytes");
        for (const talk of talks) talk.socket.resetAndDestroy();
      },
    );
    assertResets(told, 20);
  },

  "a reset in the middle of the peer's own write": async (via) => {
    const told = await meet(
      via,
      plain((socket) => socket.resume()),
      async ({ connect, sockets }) => {
        const talk = await connect();
        talk.socket.write(Buffer.alloc(16 * MiB));
        await until(() => [...sockets][0]?.bytesRead > 0, "some bytes");
        talk.socket.resetAndDestroy();
      },
    );
    // Which of both it is, the kernel decides by what it has of the bytes.
    assert.equal(told.errors.length + told.ends, 1);
    if (told.ends === 0) assertResets(told, 1);
  },

  "a reset of who is not read": async (via) => {
    const told = await meet(
      via,
      plain((socket) => socket.pause()),
      async ({ connect, sockets }) => {
        const talk = await connect();
        talk.socket.write("x".repeat(100_000));
        await until(() => talk.socket.writableLength === 0 && sockets.size === 1, "what it writes");
        talk.socket.resetAndDestroy();
        await happens(talk.socket, "close");
        // Nobody reads: it is seen by who writes, or reads again.
        const [socket] = sockets;
        socket.resume();
        if (!socket.destroyed) socket.write("y");
      },
    );
    assert.ok(told.errors.length <= 1);
    for (const code of told.errors) assert.ok(RESETS.has(code), code);
  },

  "a reset before the server looks": async (via) => {
    await meet(
      via,
      plain((socket) => socket.end("good day").resume()),
      async ({ port, told }) => {
        for (let i = 0; i < 50; i++) {
          const socket = nodeNet.connect(port, "127.0.0.1").on("error", () => {});
          socket.on("connect", () => socket.resetAndDestroy());
          await happens(socket, "close");
        }
        // Some of them may be gone before they are accepted.
        const talk = await Talk.to(nodeNet, port);
        await talk.says(/good day/);
        talk.socket.destroy();
        await until(() => told.closes > 0, "one that was accepted");
      },
    );
  },

  "a half-close, and reading on": async (via) => {
    let received = 0;
    const listener = (socket) => {
      socket.on("data", (bytes) => {
        received += bytes.length;
      });
      socket.on("end", () => socket.end(Buffer.alloc(8 * MiB, "z")));
    };
    const told = await meet(via, plain(listener, { allowHalfOpen: true }), async ({ connect }) => {
      const talk = await connect({ allowHalfOpen: true });
      talk.socket.end("all of the request");
      await talk.closes();
      assert.equal(talk.text.length, 8 * MiB);
      assert.equal(talk.error, undefined);
    });
    assert.deepEqual([told.errors, told.ends, received], [[], 1, 18]);
  },

  "a half-close while the server writes much, without allowHalfOpen": async (via) => {
    const told = await meet(
      via,
      plain((socket) => socket.resume().write(Buffer.alloc(8 * MiB))),
      async ({ connect }) => {
        const talk = await connect({ allowHalfOpen: true });
        talk.socket.end();
        await talk.closes();
        assert.equal(talk.text.length, 8 * MiB);
      },
    );
    assert.deepEqual([told.errors, told.ends, told.closes], [[], 1, 1]);
  },

  "a stall is ended by the server's timeout": async (via) => {
    const listener = (socket) => socket.setTimeout(100, () => socket.destroy()).write(Buffer.alloc(32 * MiB));
    const told = await meet(via, plain(listener), async ({ port, told }) => {
      const socket = nodeNet.connect(port, "127.0.0.1").on("error", () => {});
      await event(socket, "connect");
      socket.pause();
      await until(() => told.closes === 1, "the timeout");
      socket.destroy();
    });
    assert.deepEqual(told.errors, []);
  },

  "a request that never ends is timed out by http": async (via) => {
    const make = () => {
      const server = http.createServer({ connectionsCheckingInterval: 50, headersTimeout: 200, requestTimeout: 200 });
      return server;
    };
    await meet(via, make, async ({ connect }) => {
      const talk = await connect();
      talk.socket.write("GET / HTTP/1.1\r\nHost: ");
      await talk.says(/^HTTP\/1.1 408 /);
      await talk.closes();
    });
  },

  "garbage to an http server": async (via) => {
    const listener = (_request, response) => response.end("served");
    await meet(
      via,
      () => http.createServer(listener),
      async ({ connect }) => {
        for (const text of GARBAGE) {
          const talk = await connect();
          talk.socket.write(text, "latin1");
          await talk.says(/^HTTP\/1.1 (4|5)\d\d |^HTTP\/1.1 200 /);
          await talk.closes();
        }
        const good = await connect();
        good.socket.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        await good.says(/served/);
        await good.closes();
      },
    );
  },

  "random bytes to an http server": async (via) => {
    const bytes = randomBytes(64 * 1024);
    await meet(
      via,
      () => http.createServer((_request, response) => response.end()),
      async ({ connect }) => {
        for (let at = 0; at < bytes.length; at += 2048) {
          const talk = await connect();
          talk.socket.end(bytes.subarray(at, at + 2048));
          await talk.closes();
        }
      },
    ).catch((error) => {
      throw new Error(`${error.message}, with ${bytes.toString("hex").slice(0, 4096)}`);
    });
  },

  "a request whose peer disappears before its answer": async (via) => {
    let [closed, asked] = [0, 0];
    const listener = (request, response) => {
      asked++;
      request.on("error", () => {}).resume();
      response.on("close", () => closed++);
      response.write(Buffer.alloc(MiB));
    };
    await meet(
      via,
      () => http.createServer(listener),
      async ({ connect }) => {
        for (const act of ["destroy", "resetAndDestroy"]) {
          const talk = await connect();
          talk.socket.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx");
          await talk.says(/^HTTP\/1.1 200/);
          talk.socket[act]();
        }
        await until(() => closed === 2, "'close' of both responses");
      },
    );
    assert.equal(asked, 2);
  },

  "garbage to a ws server": async (via) => {
    const errors = [];
    let ws;
    const make = () => {
      const server = http.createServer();
      ws = new WebSocketServer({ server });
      ws.on("connection", (socket) => socket.on("error", ({ code }) => errors.push(code)));
      return server;
    };
    await meet(via, make, async ({ connect }) => {
      // Reserved bits, an unmasked frame, an opcode that there is none of, a text that is not UTF-8.
      const frames = ["f08000000000", "810178", "838000000000", "818100000000ff"];
      for (const frame of frames) {
        const talk = await connect();
        talk.socket.write(UPGRADE);
        await talk.says(/^HTTP\/1.1 101/);
        talk.socket.write(Buffer.from(frame, "hex"));
        await talk.closes();
      }
      assert.equal(errors.length, frames.length);
      // Half a frame, and gone.
      for (const act of ["end", "destroy", "resetAndDestroy"]) {
        const talk = await connect();
        talk.socket.write(UPGRADE);
        await talk.says(/^HTTP\/1.1 101/);
        talk.socket.write(Buffer.from("8285", "hex"));
        talk.socket[act]();
        await talk.closes();
      }
      ws.close();
    });
  },

  "a server of the kernel that resets, ends and stalls, and a client of ours": async (via) => {
    const sockets = new Set();
    const server = nodeNet.createServer({ allowHalfOpen: true }, (socket) => {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.once("data", (bytes) => {
        const what = String(bytes.subarray(0, 1));
        if (what === "r") socket.resetAndDestroy();
        else if (what === "e") socket.end("bye");
        else socket.pause();
      });
    });
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address();
    const client = async (what, act = () => {}) => {
      const socket = via.net.connect(port, "127.0.0.1");
      const told = [];
      socket.on("error", ({ code }) => told.push(RESETS.has(code) ? "reset" : code));
      socket.on("end", () => told.push("end"));
      socket.resume();
      await event(socket, "connect");
      socket.write(what);
      act(socket);
      await happens(socket, "close");
      return told;
    };
    assert.deepEqual(await client("r"), ["reset"]);
    assert.equal((await client(Buffer.alloc(8 * MiB, "r"))).at(-1), "reset");
    assert.deepEqual(await client("e"), ["end"]);
    assert.deepEqual(
      await client(Buffer.alloc(32 * MiB, "s"), (socket) => socket.setTimeout(100, () => socket.destroy())),
      [],
    );
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  },
};
