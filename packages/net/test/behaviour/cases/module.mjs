/** The module: what it exports, and what others see of its sockets. */
import assert from "node:assert/strict";
import diagnostics from "node:diagnostics_channel";

/** What is published on the channel during `act`. */
async function published(name, act) {
  const seen = [];
  const listener = (message) => seen.push(message);
  diagnostics.subscribe(name, listener);
  try {
    await act();
  } finally {
    diagnostics.unsubscribe(name, listener);
  }
  return seen;
}

export const cases = {
  "isIP, isIPv4, isIPv6": async (net) => [
    net.isIP("127.0.0.1"),
    net.isIP("::1"),
    net.isIP("example.org"),
    net.isIP(""),
    net.isIP("::ffff:1.2.3.4"),
    net.isIPv4("1.2.3.4"),
    net.isIPv4("::1"),
    net.isIPv6("fe80::1%eth0"),
    net.isIPv6("1.2.3.4"),
    net.isIP(undefined),
  ],
  BlockList: async (net) => {
    const list = new net.BlockList();
    list.addAddress("10.0.0.1");
    list.addRange("10.0.0.5", "10.0.0.9");
    list.addSubnet("2001:db8::", 32, "ipv6");
    return [
      list.check("10.0.0.1"),
      list.check("10.0.0.7"),
      list.check("10.0.0.10"),
      list.check("2001:db8::1", "ipv6"),
      list.rules,
    ];
  },
  SocketAddress: async (net) => {
    const address = new net.SocketAddress({ address: "1.2.3.4", port: 80, family: "ipv4" });
    return [address.address, address.port, address.family, address.flowlabel];
  },
  names: async (net) => {
    const names = [
      "connect",
      "createConnection",
      "createServer",
      "isIP",
      "isIPv4",
      "isIPv6",
      "Server",
      "Socket",
      "Stream",
      "BlockList",
      "SocketAddress",
    ];
    return [
      names.map((name) => [name, typeof net[name]]),
      net.connect === net.createConnection,
      net.Socket === net.Stream,
      net.Socket.name,
      net.Server.name,
      net.connect.length >= 0,
    ];
  },
  "sockets are Duplex streams, event emitters and node:net's": async (net) => {
    const { Duplex, Readable, Writable } = await import("node:stream");
    const { EventEmitter } = await import("node:events");
    const node = await import("node:net");
    const socket = new net.Socket();
    const server = net.createServer();
    return [
      [Duplex, Readable, Writable, EventEmitter, node.Socket].map((one) => socket instanceof one),
      [EventEmitter, node.Server].map((one) => server instanceof one),
      socket.constructor === net.Socket,
      server.constructor === net.Server,
      socket.constructor.name,
      Object.prototype.toString.call(socket),
    ];
  },
  "a subclass": async (net, t) => {
    class Mine extends net.Socket {
      greet() {
        return `port ${typeof this.remotePort}`;
      }
    }
    const server = await t.serve();
    const socket = t.owns(new Mine());
    socket.connect(server.address().port, t.host);
    await t.event(socket, "connect");
    class MyServer extends net.Server {}
    const mine = t.owns(new MyServer());
    mine.listen(0, t.host);
    await t.event(mine, "listening");
    return [socket.greet(), socket instanceof net.Socket, mine instanceof net.Server, mine.constructor.name];
  },
  "a method that is replaced": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    const { write } = client;
    const seen = [];
    client.write = function (chunk, ...rest) {
      seen.push(String(chunk));
      return write.call(this, chunk, ...rest);
    };
    const got = t.bytes(accepted);
    client.write("a");
    client.end("b");
    return [String(await got), seen];
  },
  "finished() of node:stream": async (_net, t) => {
    const { finished } = await import("node:stream/promises");
    const { client, accepted } = await t.pair({ watched: false });
    const both = Promise.all([finished(client), finished(accepted)]);
    client.resume();
    accepted.resume();
    client.end("x");
    await both;
  },
  "finished() of one that is destroyed early": async (_net, t) => {
    const { finished } = await import("node:stream/promises");
    const { client } = await t.pair({ watched: false });
    const done = finished(client).then(
      () => "resolved",
      (error) => error.code,
    );
    client.destroy();
    return done;
  },
  "errored, closed, readableAborted": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.on("error", () => {}).resume();
    client.on("error", () => {});
    const before = [client.errored, client.closed, client.readableAborted, client.writableAborted];
    client.destroy(new Error("e"));
    await t.closed(client);
    return [
      before,
      client.errored?.message,
      client.closed,
      client.readableAborted,
      client.writableAborted,
      client.readableDidRead,
    ];
  },
  "events.once() and events.on()": async (net, t) => {
    const { once } = await import("node:events");
    const client = t.owns(net.connect(await t.deadPort(), t.host));
    await assert.rejects(once(client, "connect"), { code: "ECONNREFUSED" });
  },
  "many connections at once": async (_net, t) => {
    const COUNT = 500;
    const server = await t.serve((socket) => socket.pipe(socket));
    const all = Array.from({ length: COUNT }, async (_, i) => {
      const client = t.connect(server);
      const got = t.bytes(client);
      client.end(`number ${i}`);
      return String(await got);
    });
    assert.deepEqual(
      await Promise.all(all),
      Array.from({ length: COUNT }, (_, i) => `number ${i}`),
    );
  },
  "many in turn": async (_net, t) => {
    const server = await t.serve((socket) => socket.end("x"));
    for (let i = 0; i < 100; i++) {
      const client = t.connect(server);
      assert.equal(String(await t.bytes(client)), "x");
      await t.closed(client);
    }
  },
  "AsyncLocalStorage in the listeners of a server": async (_net, t) => {
    const { AsyncLocalStorage } = await import("node:async_hooks");
    const storage = new AsyncLocalStorage();
    const seen = [];
    const server = await storage.run("of the server", () =>
      t.serve((socket) => {
        seen.push(["connection", storage.getStore()]);
        socket.on("data", () => seen.push(["data", storage.getStore()]));
        socket.on("end", () => seen.push(["end", storage.getStore()]));
        socket.write("x", () => seen.push(["written", storage.getStore()]));
      }),
    );
    await storage.run("of the client", async () => {
      const client = t.connect(server).resume();
      client.end("x");
      await t.closed(client);
    });
    return seen;
  },
  "AsyncLocalStorage in the listeners of a client": async (_net, t) => {
    const { AsyncLocalStorage } = await import("node:async_hooks");
    const storage = new AsyncLocalStorage();
    const server = await t.serve((socket) => socket.end("x"));
    const seen = [];
    await storage.run("context", async () => {
      const client = t.connect(server, {}, () => seen.push(["connect", storage.getStore()]));
      client.on("data", () => seen.push(["data", storage.getStore()]));
      client.on("close", () => seen.push(["close", storage.getStore()]));
      await t.closed(client);
    });
    return seen;
  },
};
export const alone = {
  "channel net.client.socket": async (net, t) => {
    const server = await t.serve();
    let client;
    const seen = await published("net.client.socket", async () => {
      client = t.connect(server);
      await t.event(client, "connect");
      new net.Socket();
    });
    assert.equal(seen.length, 1);
    assert.equal(seen[0].socket, client);
    return Object.keys(seen[0]);
  },
  "channel net.server.socket": async (_net, t) => {
    let accepted;
    const server = await t.serve((socket) => {
      accepted = socket;
    });
    const seen = await published("net.server.socket", async () => {
      const client = t.connect(server);
      await t.event(client, "connect");
      await t.until(() => accepted !== undefined);
      await t.turns(1);
    });
    assert.equal(seen.length, 1);
    assert.equal(seen[0].socket, accepted);
  },
  "channel tracing:net.server.listen": async (net, t) => {
    const order = [];
    const server = t.owns(net.createServer());
    const names = ["asyncStart", "asyncEnd", "error"];
    const channels = names.map((name) => [
      `tracing:net.server.listen:${name}`,
      (message) => order.push([name, message.server === server, Object.keys(message), message.error?.code]),
    ]);
    for (const [name, listener] of channels) diagnostics.subscribe(name, listener);
    server.on("listening", () => order.push("listening"));
    server.listen(0, t.host);
    await t.event(server, "listening");
    const second = net.createServer();
    second.on("error", () => order.push("error event"));
    second.listen(server.address().port, t.host);
    await t.event(second, "error");
    for (const [name, listener] of channels) diagnostics.unsubscribe(name, listener);
    return order;
  },
};
