/** destroy() wherever it may be called, destroySoon() and resetAndDestroy(). */
import assert from "node:assert/strict";

/** Destroys the client in its event; what both ends tell of it. */
const destroyIn =
  (event, act, options = {}) =>
  async (_net, t) => {
    const { client, accepted } = await t.pair(options);
    accepted.on("error", () => {});
    accepted.resume();
    client.on(event, () => client.destroy());
    act(client, accepted);
    await t.closed(client, accepted);
    return t.record.parties.client;
  };

export const cases = {
  "in 'connect'": async (_net, t) => {
    const server = await t.serve((socket) => socket.on("error", () => {}).resume());
    const client = t.record.watch("client", t.connect(server));
    client.on("connect", () => client.destroy());
    await t.closed(client);
    assert.equal(t.record.parties.client.includes("ready"), true);
  },
  "in 'ready'": async (_net, t) => {
    const server = await t.serve((socket) => socket.on("error", () => {}).resume());
    const client = t.record.watch("client", t.connect(server));
    client.on("ready", () => client.destroy());
    await t.closed(client);
  },
  "in 'data'": destroyIn("data", (_client, accepted) => accepted.write("x")),
  "in 'data', with more on its way": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    accepted.on("error", () => {});
    let calls = 0;
    client.on("data", () => {
      calls++;
      client.destroy();
    });
    accepted.write(Buffer.alloc(3_000_000));
    await t.closed(client, accepted);
    assert.equal(calls, 1);
  },
  "in 'end'": destroyIn("end", (client, accepted) => {
    client.resume();
    accepted.end();
  }),
  "in 'finish'": destroyIn("finish", (client) => client.end("x")),
  "in 'close'": destroyIn("close", (client, accepted) => {
    client.resume();
    accepted.end();
  }),
  "in 'drain'": destroyIn("drain", (client) => client.write(Buffer.alloc(8_000_000))),
  "in 'error'": async (net, t) => {
    const client = t.record.watch("client", t.owns(net.connect(await t.deadPort(), t.host)));
    client.on("error", () => client.destroy());
    await t.closed(client);
  },
  "in 'lookup'": async (net, t) => {
    const lookup = (_host, options, done) =>
      setImmediate(() => done(null, options.all ? [{ address: t.host, family: 4 }] : t.host, 4));
    const server = await t.serve();
    const client = t.record.watch(
      "client",
      t.owns(net.connect({ port: server.address().port, host: "a.invalid", lookup })),
    );
    client.on("lookup", () => client.destroy());
    await t.closed(client);
    await t.turns();
  },
  "in 'connectionAttempt'": async (net, t) => {
    const server = await t.serve((socket) => socket.on("error", () => {}).resume());
    const client = t.record.watch("client", t.owns(new net.Socket()));
    client.once("connectionAttempt", () => setImmediate(() => client.destroy()));
    client.on("connect", () => client.destroy());
    client.connect(server.address().port, t.host);
    await t.closed(client);
    return t.record.parties.client.filter((event) => event !== "connect" && event !== "ready");
  },
  "in a write's callback": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.on("error", () => {}).resume();
    client.write("x", () => client.destroy());
    await t.closed(client, accepted);
    assert.deepEqual(t.record.parties.accepted, ["resume", "data 1", "end", "prefinish", "finish", "close false"]);
  },
  "in the connection listener": async (_net, t) => {
    const server = await t.serve((socket) => socket.destroy());
    const client = t.record.watch("client", t.connect(server));
    client.on("error", () => {});
    client.resume();
    await t.closed(client);
    return t.record.parties.client.filter((event) => event !== "prefinish" && event !== "finish");
  },
  "right after connect()": async (_net, t) => {
    const server = await t.serve();
    const client = t.record.watch("client", t.connect(server));
    client.destroy();
    const facts = [client.connecting, client.pending, client.destroyed, client.readyState];
    await t.closed(client);
    await t.turns();
    return [facts, t.record.parties];
  },
  "right after connect(), with something written": async (_net, t) => {
    const server = await t.serve();
    const client = t.record.watch("client", t.connect(server));
    client.on("error", () => {});
    const errors = [];
    client.write("lost", (error) => errors.push(t.shape(error)));
    client.write("lost too", (error) => errors.push(t.shape(error)));
    client.destroy();
    await t.closed(client);
    await t.turns();
    return [errors, t.record.parties];
  },
  "while connecting, with an error": async (_net, t) => {
    const server = await t.serve();
    const client = t.record.watch("client", t.connect(server));
    client.on("error", () => {});
    setImmediate(() => {});
    client.destroy(new Error("no more"));
    await t.closed(client);
  },
  twice: async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.on("error", () => {});
    client.destroy(new Error("first"));
    client.destroy(new Error("second"));
    await t.closed(client, accepted);
  },
  "without a connection": async (net, t) => {
    const client = t.record.watch("client", t.owns(new net.Socket()));
    assert.equal(client.destroy(), client);
    await t.closed(client);
  },
  "without a connection, with an error": async (net, t) => {
    const client = t.record.watch("client", t.owns(new net.Socket()));
    client.on("error", () => {});
    client.destroy(new Error("why not"));
    await t.closed(client);
  },
  "what was written is given to the kernel, though destroy() follows": async (_net, t) => {
    const { client, accepted } = await t.pair();
    const got = t.bytes(accepted);
    client.write("small");
    client.destroy();
    assert.equal(String(await got), "small");
    await t.closed(client, accepted);
  },
  "what waits to be written is dropped, its callbacks are told": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    accepted.on("error", () => {}).pause();
    const told = [];
    client.write(Buffer.alloc(20_000_000), (error) => told.push(error?.code ?? "none"));
    client.write("second", (error) => told.push(error?.code ?? "none"));
    client.end("third", (error) => told.push(error?.code ?? "none"));
    client.destroy();
    await t.closed(client);
    await t.turns();
    return told;
  },
  "destroySoon() of one that has nothing to write": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.destroySoon();
    await t.closed(client, accepted);
  },
  "destroySoon() writes first": async (_net, t) => {
    const { client, accepted } = await t.pair();
    const got = t.bytes(accepted);
    client.write(Buffer.alloc(1_000_000));
    client.destroySoon();
    assert.equal((await got).length, 1_000_000);
    await t.closed(client);
    return t.record.parties.client.filter((event) => event !== "drain");
  },
  "destroySoon() after end()": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.end("x");
    client.destroySoon();
    await t.closed(client, accepted);
  },
  "resetAndDestroy(): the peer sees ECONNRESET": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    const failed = t.event(accepted, "error");
    assert.equal(client.resetAndDestroy(), client);
    const [error] = await failed;
    await t.closed(client, accepted);
    return [t.shape(error), t.record.parties];
  },
  "resetAndDestroy() of an accepted one": async (_net, t) => {
    const { client, accepted } = await t.pair();
    client.resume();
    const failed = t.event(client, "error");
    accepted.resetAndDestroy();
    const [error] = await failed;
    await t.closed(client, accepted);
    return [t.shape(error), t.record.parties];
  },
  "resetAndDestroy() while connecting": async (_net, t) => {
    const errors = [];
    const server = await t.serve((socket) => {
      socket.resume();
      socket.on("error", (error) => errors.push(error.code));
    });
    const client = t.record.watch("client", t.connect(server));
    client.resetAndDestroy();
    const before = [client.destroyed, client.connecting];
    await t.closed(client);
    await t.until(() => errors.length === 1);
    return [before, errors, t.record.parties];
  },
  "resetAndDestroy() without a connection": async (net, t) => {
    const client = t.record.watch("client", t.owns(new net.Socket()));
    const failed = t.event(client, "error");
    client.resetAndDestroy();
    const [error] = await failed;
    await t.closed(client);
    return [t.shape(error), t.record.parties];
  },
  "resetAndDestroy() of one that is destroyed": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.destroy();
    client.resetAndDestroy();
    await t.closed(client, accepted);
    return t.record.parties;
  },
  "resetAndDestroy() while the name is looked up": async (net, t) => {
    const lookup = (_host, options, done) =>
      setTimeout(() => done(null, options.all ? [{ address: t.host, family: 4 }] : t.host, 4), 20);
    const server = await t.serve((socket) => socket.on("error", () => {}).resume());
    const client = t.record.watch(
      "client",
      t.owns(net.connect({ port: server.address().port, host: "a.invalid", lookup })),
    );
    client.resetAndDestroy();
    await t.closed(client);
  },
  "a reset during a write: the writer hears of it": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    accepted.pause();
    client.write(Buffer.alloc(20_000_000), () => {});
    client.resume();
    const failed = t.event(client, "error");
    await t.turns(5);
    accepted.resetAndDestroy();
    const [error] = await failed;
    await t.closed(client);
    assert.ok(["ECONNRESET", "EPIPE"].includes(error.code), error.code);
    assert.ok(["read", "write"].includes(error.syscall));
    assert.equal(client.destroyed, true);
  },
  "Symbol.asyncDispose": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.on("error", () => {});
    if (client[Symbol.asyncDispose] === undefined) return "absent";
    await client[Symbol.asyncDispose]();
    const destroyed = client.destroyed;
    await t.closed(client, accepted);
    return [destroyed, t.record.parties.client];
  },
  "getters of one that is destroyed": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.destroy();
    await t.closed(client, accepted);
    return [
      client.readyState,
      client.pending,
      client.connecting,
      client.address(),
      client.remoteAddress,
      client.localPort,
      client.bufferSize,
    ];
  },
};
