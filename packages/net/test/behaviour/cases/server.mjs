/** Servers: listen in its forms, close, connections, options. */
import assert from "node:assert/strict";
import { needs } from "../needs.mjs";

/** Listens with these arguments; what it says, and that somebody can connect. */
async function listensWith(net, t, args, where = {}) {
  const server = t.owns(net.createServer((socket) => t.owns(socket).end("hi")));
  let called = 0;
  const returned = server.listen(...args, () => called++);
  assert.equal(returned, server);
  await t.event(server, "listening");
  await t.turns(1);
  const { port, ...address } = server.address();
  const client = t.owns(net.connect({ port, host: t.host, ...where }));
  assert.equal(String(await t.bytes(client)), "hi");
  return [address, called, server.listening, Object.keys(server.address())];
}

export const cases = {
  "listen(port, host)": (net, t) => listensWith(net, t, [0, t.host]),
  "listen(port, host, backlog)": (net, t) => listensWith(net, t, [0, t.host, 5]),
  "listen(port, host, a backlog that is none)": async (net, t) => {
    const all = [];
    for (const backlog of [-5, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32 + 1])
      all.push(await listensWith(net, t, [{ port: 0, host: t.host, backlog }]));
    return all;
  },
  "listen({ port, host })": (net, t) => listensWith(net, t, [{ port: 0, host: t.host }]),
  "listen({ port, host, backlog, exclusive })": (net, t) =>
    listensWith(net, t, [{ port: 0, host: t.host, backlog: 3, exclusive: true }]),
  "listen('port')": (net, t) => listensWith(net, t, ["0", t.host]),
  "listen()": needs(["ipv6"], (net, t) => listensWith(net, t, [])),
  "listen(port)": needs(["ipv6"], (net, t) => listensWith(net, t, [0])),
  "listen(port, backlog)": needs(["ipv6"], (net, t) => listensWith(net, t, [0, 10])),
  "listen(null)": needs(["ipv6"], (net, t) => listensWith(net, t, [null])),
  "listen({ port: undefined })": needs(["ipv6"], (net, t) => listensWith(net, t, [{ port: undefined }])),
  "listen({ port, host: '::', ipv6Only })": needs(["ipv6"], (net, t) =>
    listensWith(net, t, [{ port: 0, host: "::", ipv6Only: true }], { host: "::1" }),
  ),
  "ipv6Only does not take IPv4": needs(["ipv6"], async (net, t) => {
    // By IPv4 the port may be somebody else's, of another case or program: then another one is tried.
    for (;;) {
      let isTaken = false;
      const take = () => {
        isTaken = true;
      };
      const server = await t.serve(take, {}, { host: "::", ipv6Only: true });
      const client = t.owns(net.connect(server.address().port, "127.0.0.1"));
      const refused = t.event(client, "error").then(([error]) => error.code);
      const outcome = await Promise.race([refused, t.event(client, "connect").then(() => undefined)]);
      if (outcome !== undefined) return outcome;
      const deadline = performance.now() + 1000;
      await t.until(() => isTaken || performance.now() > deadline);
      if (isTaken) return "taken";
      client.destroy();
      server.close();
    }
  }),
  "listen('0.0.0.0')": (net, t) => listensWith(net, t, [0, "0.0.0.0"]),
  "listen('localhost')": needs(["localhost"], async (net, t) => {
    const [, called, listening] = await listensWith(net, t, [0, "localhost"], { host: "localhost" });
    return [called, listening];
  }),
  "listen() twice": async (_net, t) => {
    const server = await t.serve();
    return [t.thrown(() => server.listen(0, t.host)), server.listening];
  },
  "listen() twice in the same turn": async (net, t) => {
    const server = t.owns(net.createServer());
    server.listen(0);
    return t.thrown(() => server.listen(0));
  },
  "listen() again after close()": async (_net, t) => {
    const server = await t.serve();
    server.close();
    await t.event(server, "close");
    server.listen(0, t.host);
    await t.event(server, "listening");
    const client = t.connect(server);
    await t.event(client, "connect");
  },
  "close() twice": async (_net, t) => {
    const server = await t.serve();
    const told = [];
    server.close((error) => told.push(error === undefined ? "first" : t.shape(error)));
    server.close((error) => told.push(error === undefined ? "second" : t.shape(error)));
    await t.turns();
    return told;
  },
  "close() of one that does not listen": async (net, t) => {
    const server = t.record.watch("server", net.createServer());
    const [error] = await new Promise((resolve) => server.close((...args) => resolve(args)));
    return [t.shape(error), t.record.parties];
  },
  "close() waits for connections": async (_net, t) => {
    const { server, client, accepted } = await t.pair();
    t.record.watch("server", server);
    let closed = false;
    server.close(() => {
      closed = true;
    });
    const facts = [server.listening, server.address()];
    await t.turns(10);
    facts.push(closed);
    accepted.resume();
    client.end();
    client.resume();
    await t.event(server, "close");
    return [facts, closed, t.record.parties.server];
  },
  "close() refuses new connections at once": async (net, t) => {
    const server = await t.serve();
    const { port } = server.address();
    server.close();
    await t.event(server, "close");
    const client = t.owns(net.connect(port, t.host));
    const [error] = await t.event(client, "error");
    return error.code;
  },
  "close() before 'listening'": async (net, t) => {
    const server = t.record.watch("server", net.createServer());
    server.listen(0, t.host, () => t.record.note("server", "callback"));
    server.close();
    await t.event(server, "close");
    await new Promise((resolve) => setTimeout(resolve, 20));
    return [server.listening, t.record.parties];
  },
  "close() and listen() in the same turn": async (net, t) => {
    const server = t.owns(net.createServer());
    server.listen(0);
    server.close();
    server.listen(0);
    await t.event(server, "listening");
    return server.listening;
  },
  "close() in the connection listener": async (_net, t) => {
    const server = await t.serve((socket) => {
      server.close();
      socket.end("last one");
    });
    const client = t.connect(server);
    const closed = t.event(server, "close");
    assert.equal(String(await t.bytes(client)), "last one");
    await closed;
  },
  "address() before, during, after": async (net, t) => {
    const server = net.createServer();
    const facts = [server.address(), server.listening];
    server.listen(0, t.host);
    await t.event(server, "listening");
    facts.push(Object.keys(server.address()), typeof server.address().port, server.listening);
    server.close();
    facts.push(server.address(), server.listening);
    return facts;
  },
  "address() right after listen(), the libOS being open": needs(["ipv6"], async (net, t) => {
    const server = t.owns(net.createServer());
    server.listen(0);
    return [typeof server.address().port, server.address().family, server.listening];
  }),
  "getConnections()": async (_net, t) => {
    const { server, client, accepted } = await t.pair();
    const count = () =>
      new Promise((resolve, reject) => server.getConnections((error, n) => (error ? reject(error) : resolve(n))));
    const seen = [await count()];
    const second = t.connect(server);
    await t.event(server, "connection");
    seen.push(await count());
    second.destroy();
    client.destroy();
    accepted.resume();
    await t.closed(accepted);
    await t.until(() => server._connections === 1 || server._connections === 0);
    const returned = server.getConnections(() => {});
    assert.equal(returned, server);
    return seen;
  },
  "maxConnections and 'drop'": async (_net, t) => {
    const server = await t.serve();
    server.maxConnections = 1;
    const dropped = t.event(server, "drop");
    const first = t.connect(server);
    await t.event(first, "connect");
    await t.until(() => server._connections === 1);
    const second = t.connect(server).resume();
    second.on("error", () => {});
    const [data] = await dropped;
    await t.closed(second);
    assert.equal(data.localPort, server.address().port);
    return [
      Object.keys(data),
      data.localAddress,
      data.localFamily,
      data.remoteAddress,
      data.remoteFamily,
      typeof data.remotePort,
      server._connections,
    ];
  },
  "maxConnections: the next one is taken after one has gone": async (_net, t) => {
    const accepted = [];
    const server = await t.serve((socket) => accepted.push(socket.resume()));
    server.maxConnections = 1;
    const first = t.connect(server).resume();
    await t.until(() => accepted.length === 1);
    first.end();
    await t.closed(accepted[0]);
    t.connect(server);
    await t.until(() => accepted.length === 2);
  },
  "drop without listeners closes as well": async (_net, t) => {
    const server = await t.serve();
    server.maxConnections = 1;
    const first = t.connect(server);
    await t.event(first, "connect");
    await t.until(() => server._connections === 1);
    const second = t.connect(server).resume();
    second.on("error", () => {});
    await t.closed(second);
  },
  "noDelay and keepAlive of the server": async (net) => {
    const server = net.createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: 3500 });
    return [
      server.noDelay,
      server.keepAlive,
      server.keepAliveInitialDelay,
      server.pauseOnConnect,
      server.allowHalfOpen,
    ];
  },
  "accepted sockets know their server": needs(["own"], async (net, t) => {
    const { server, client, accepted } = await t.pair();
    assert.equal(accepted.server, server);
    assert.equal(accepted._server, server);
    return [
      client.server,
      client._server,
      accepted instanceof net.Socket,
      client instanceof net.Socket,
      server instanceof net.Server,
    ];
  }),
  "Symbol.asyncDispose": async (_net, t) => {
    const server = await t.serve();
    await server[Symbol.asyncDispose]();
    const after = server.listening;
    await server[Symbol.asyncDispose]();
    return after;
  },
  signal: async (net, t) => {
    const abort = new AbortController();
    const server = net.createServer();
    server.listen({ port: 0, host: t.host, signal: abort.signal });
    await t.event(server, "listening");
    const closed = t.event(server, "close");
    abort.abort();
    await closed;
    return server.listening;
  },
  "a signal that is aborted already": async (net, t) => {
    const server = t.record.watch("server", net.createServer());
    server.listen({ port: 0, host: t.host, signal: AbortSignal.abort() });
    await t.event(server, "close");
    await new Promise((resolve) => setTimeout(resolve, 20));
    return [server.listening, t.record.parties];
  },
  "a signal that is none": async (net, t) =>
    ["x", 1, {}, null].map((signal) => t.thrown(() => net.createServer().listen({ port: 0, host: t.host, signal }))),
  captureRejections: async (net, t) => {
    const server = t.owns(
      net.createServer({ captureRejections: true }, async (socket) => {
        t.owns(socket).on("error", (error) => t.record.note("accepted", error.message));
        throw new Error("rejected");
      }),
    );
    server.listen(0, t.host);
    await t.event(server, "listening");
    return server.captureRejections ?? "kept by symbol";
  },
  "Server without new": async (net) => {
    const make = net.Server;
    const server = make();
    return [server instanceof net.Server, server.listening];
  },
  "Socket without new": async (net) => {
    const make = net.Socket;
    const socket = make();
    return [socket instanceof net.Socket, socket.readyState];
  },
  "listenerCount of a server": async (net) => {
    const server = net.createServer(() => {});
    return [server.listenerCount("connection"), server.eventNames()];
  },
  "connections that come before the listener is there": async (net, t) => {
    const server = t.owns(net.createServer());
    server.listen(0, t.host);
    await t.event(server, "listening");
    const client = t.connect(server);
    await t.event(client, "connect");
    await t.turns(10);
    // Nobody took it: it stays open.
    assert.equal(client.destroyed, false);
  },
};
export const alone = {
  "captureRejections of all emitters": async (net, t) => {
    const { default: EventEmitter } = await import("node:events");
    EventEmitter.captureRejections = true;
    try {
      const server = t.owns(net.createServer());
      server.on("connection", async (socket) => {
        t.record.watch("accepted", t.owns(socket));
        socket.on("error", () => {});
        throw new Error("rejected");
      });
      server.listen(0, t.host);
      await t.event(server, "listening");
      const client = t.connect(server).resume();
      client.on("error", () => {});
      await t.closed(client);
      return t.record.parties.accepted;
    } finally {
      EventEmitter.captureRejections = false;
    }
  },
};
