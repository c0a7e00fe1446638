/** What goes wrong, with codes, names and texts. */
import assert from "node:assert/strict";
import { needs } from "../needs.mjs";

const refused = async (net, t, options) => {
  const client = t.owns(net.connect({ host: t.host, port: await t.deadPort(), ...options }));
  const [error] = await t.event(client, "error");
  return t.shape(error);
};

export const cases = {
  ECONNREFUSED: async (net, t) => {
    const shown = await refused(net, t);
    assert.equal(shown.code, "ECONNREFUSED");
    assert.equal(shown.syscall, "connect");
    return shown;
  },
  "ECONNREFUSED, autoSelectFamily off": (net, t) => refused(net, t, { autoSelectFamily: false }),
  "an error nobody listens for is thrown": async (net) => {
    const client = new net.Socket();
    const error = new Error("unheard");
    assert.throws(() => client.emit("error", error), error);
  },
  "addresses that fail at once": needs(["kernel"], async (net, t) => {
    const shown = [];
    for (const [host, family] of [
      ["255.255.255.255", 4],
      ["224.0.0.1", 4],
    ]) {
      const client = t.record.watch(host, t.owns(net.connect({ port: 9, host, family })));
      const [error] = await t.event(client, "error");
      await t.closed(client);
      shown.push(t.shape(error), client.destroyed);
    }
    return [shown, t.record.parties];
  }),
  "port 0": async (net, t) => {
    const client = t.owns(net.connect(0, t.host));
    const [error] = await t.event(client, "error");
    return t.shape(error);
  },
  "no arguments": async (net, t) => [
    t.thrown(() => net.connect()),
    t.thrown(() => net.connect({})),
    t.thrown(() => net.connect({ host: "a" })),
    t.thrown(() => new net.Socket().connect()),
    t.thrown(() => net.connect(() => {})),
    t.thrown(() => net.connect(undefined)),
    t.thrown(() => net.connect([80])),
    t.thrown(() => new net.Socket().connect([80, t.host])),
  ],
  "ports that are none": async (net, t) =>
    [-1, 65536, 1.5, "a", "", " ", "70000", "1.5", Number.NaN, Number.POSITIVE_INFINITY].map((port) =>
      t.thrown(() => net.connect({ port, host: t.host })),
    ),
  "ports of a wrong type": async (net, t) =>
    [null, true, false, {}, [], () => {}, Symbol.iterator, 1n].map((port) => {
      try {
        return t.thrown(() => net.connect({ port, host: t.host }));
      } catch (error) {
        return error.message;
      }
    }),
  "ports of a wrong type, as an argument": async (net, t) =>
    [null, true, -1, 65536, Number.NaN].map((port) => t.thrown(() => net.connect(port, t.host))),
  "a port in words": async (net, t) => {
    const server = await t.serve();
    const { port } = server.address();
    for (const form of [String(port), ` ${port} `, `0x${port.toString(16)}`]) {
      const client = t.owns(net.connect({ port: form, host: t.host }));
      await t.event(client, "connect");
      client.destroy();
    }
  },
  "a path of a wrong type": async (net, t) => [1, {}, true].map((path) => t.thrown(() => net.connect({ path }))),
  "wrong localAddress and localPort": async (net, t) => [
    t.thrown(() => net.connect({ port: 1, host: t.host, localAddress: "nowhere" })),
    t.thrown(() => net.connect({ port: 1, host: t.host, localPort: "80" })),
    t.thrown(() => net.connect({ port: 1, host: t.host, localPort: {} })),
  ],
  "object mode": async (net, t) => [
    t.thrown(() => new net.Socket({ objectMode: true })),
    t.thrown(() => new net.Socket({ readableObjectMode: true })),
    t.thrown(() => new net.Socket({ writableObjectMode: true })),
    t.thrown(() => new net.Socket({ objectMode: "yes" })),
  ],
  "keepAliveInitialDelay of a wrong type": async (net, t) => [
    t.thrown(() => new net.Socket({ keepAliveInitialDelay: "1" })),
    t.thrown(() => new net.Socket({ keepAliveInitialDelay: null })),
    t.thrown(() => net.createServer({ keepAliveInitialDelay: "1" })),
  ],
  "a negative keepAliveInitialDelay is 0": async (net) => {
    const options = { keepAliveInitialDelay: -5 };
    new net.Socket(options);
    return options;
  },
  "options of a server": async (net, t) => [
    t.thrown(() => net.createServer("x")),
    t.thrown(() => net.createServer(1)),
    t.thrown(() => net.createServer({ highWaterMark: "1" })),
    net.createServer({ highWaterMark: -1 }).highWaterMark,
    net.createServer(null).allowHalfOpen,
    net.createServer(undefined).listening,
  ],
  EADDRINUSE: async (net, t) => {
    const server = await t.serve();
    const second = t.owns(net.createServer());
    t.record.watch("second", second);
    second.listen(server.address().port, t.host);
    const [error] = await t.event(second, "error");
    assert.equal(error.code, "EADDRINUSE");
    return [t.shape(error), second.listening, second.address(), t.record.parties];
  },
  "EADDRINUSE, all addresses": async (net, t) => {
    const server = t.owns(net.createServer());
    server.listen(0);
    await t.event(server, "listening");
    const second = t.owns(net.createServer());
    second.listen(server.address().port);
    const [error] = await t.event(second, "error");
    return [t.shape(error), second.listening];
  },
  EADDRNOTAVAIL: async (net, t) => {
    const server = t.owns(net.createServer());
    server.listen(0, "198.51.100.7");
    const [error] = await t.event(server, "error");
    return [t.shape(error), server.listening];
  },
  "EADDRNOTAVAIL with a port": async (net, t) => {
    const server = t.owns(net.createServer());
    server.listen(8519, "198.51.100.7");
    const [error] = await t.event(server, "error");
    return t.shape(error);
  },
  "listen() after an error": async (net, t) => {
    const taken = await t.serve();
    const server = t.owns(net.createServer());
    server.listen(taken.address().port, t.host);
    await t.event(server, "error");
    server.listen(0, t.host);
    await t.event(server, "listening");
    return server.listening;
  },
  "a listen address that does not exist": async (net, t) => {
    const server = t.owns(net.createServer());
    server.listen(0, "no.such.host.invalid");
    const [error] = await t.event(server, "error");
    return [error.syscall, error.hostname, server.listening];
  },
  "ports to listen on that are none": async (net, t) =>
    [-1, 65536, 1.5, Number.NaN, "x y", "-1"].map((port) => {
      const server = net.createServer();
      return t.thrown(() => server.listen({ port }));
    }),
  "what listen() does not take": async (net, t) =>
    [{}, { host: "a" }, true, false, { port: true }, { path: 1 }, { fd: -1 }, Symbol.iterator].map((given) => {
      const server = net.createServer();
      try {
        return t.thrown(() => server.listen(given));
      } catch (error) {
        return error.message;
      }
    }),
  "ECONNRESET of a reader": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    client.resume();
    const failed = t.event(client, "error");
    accepted.resetAndDestroy();
    const [error] = await failed;
    return [t.shape(error), client.destroyed, client.errored === error];
  },
  "what is thrown in a listener is not the connection's fault": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    client.once("custom", () => {
      throw new Error("in a listener");
    });
    assert.throws(() => client.emit("custom"), { message: "in a listener" });
    client.resume();
    const got = t.bytes(accepted);
    client.end("still fine");
    assert.equal(String(await got), "still fine");
  },
};
/** What `act` has thrown where nobody catches it, until there are so many. */
async function uncaught(t, count, act) {
  const caught = [];
  const others = process.listeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => caught.push(t.shape(error)));
  try {
    await act();
    await t.until(() => caught.length === count);
    return caught;
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const each of others) process.on("uncaughtException", each);
  }
}

export const alone = {
  "a server's highWaterMark that is none": async (net, t) => {
    const server = t.owns(net.createServer());
    server.highWaterMark = 1.5;
    server.listen(0, t.host);
    await t.event(server, "listening");
    return uncaught(t, 1, () => {
      t.owns(net.connect(server.address().port, t.host)).on("error", () => {});
    });
  },
  "a refused connection nobody listens for": async (net, t) => {
    const port = await t.deadPort();
    const client = t.owns(new net.Socket());
    const caught = await uncaught(t, 1, () => client.connect(port, t.host));
    await t.closed(client);
    return [caught, client.destroyed];
  },
  "a reset nobody listens for": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    client.resume();
    const caught = await uncaught(t, 1, () => accepted.resetAndDestroy());
    await t.closed(client);
    return caught;
  },
  "what is thrown in 'connection' and 'close'": async (net, t) => {
    const thrown = await uncaught(t, 2, async () => {
      const fail = (what) => () => {
        throw new Error(what);
      };
      const server = t.owns(net.createServer((socket) => t.owns(socket).resume()));
      server.on("connection", fail("connection"));
      server.listen(0, t.host);
      await t.event(server, "listening");
      const client = t.connect(server);
      client.on("close", fail("close"));
      client.resume();
      client.end("x");
    });
    return thrown.map(({ message }) => message).sort();
  },
  "what a listener throws is an uncaughtException, and the others go on": async (_net, t) => {
    const caught = [];
    const others = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => caught.push(error.message));
    try {
      const { client, accepted } = await t.pair({ watched: false });
      client.on("data", () => {
        throw new Error("from data");
      });
      accepted.write("x");
      await t.until(() => caught.length === 1);
      // The same connection goes on, too.
      accepted.write("y");
      await t.until(() => caught.length === 2);
      const second = await t.pair({ watched: false });
      const got = t.bytes(second.accepted);
      second.client.end("others");
      return [caught, String(await got), client.destroyed];
    } finally {
      process.removeAllListeners("uncaughtException");
      for (const each of others) process.on("uncaughtException", each);
    }
  },
};
