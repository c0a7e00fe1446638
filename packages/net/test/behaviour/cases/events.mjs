/** Which events a connection has, and in which order. */
import assert from "node:assert/strict";
import { needs } from "../needs.mjs";

export const cases = {
  "a connection whose client ends first": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.resume();
    client.end("bye");
    await t.closed(client, accepted);
    const { client: events } = t.record.parties;
    assert.deepEqual(events.slice(0, 3), [`connectionAttempt ${t.host} PORT 4`, "connect", "ready"]);
    assert.deepEqual(events.slice(-2), ["end", "close false"]);
  },
  "a connection whose server ends first": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.resume();
    accepted.end("bye");
    await t.closed(client, accepted);
  },
  "both end at once": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.resume();
    accepted.end("a");
    client.end("b");
    await t.closed(client, accepted);
    // Which of "finish" and "end" is first is chance.
    return Object.values(t.record.parties).map((events) => [...events].sort());
  },
  "an echo": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.on("data", (bytes) => accepted.end(bytes));
    client.write("hello");
    assert.equal(String(await t.bytes(client)), "hello");
    await t.closed(client, accepted);
  },
  "what is written before the connection is there": async (_net, t) => {
    const server = await t.serve((socket) => socket.end().resume());
    const client = t.record.watch("client", t.connect(server));
    assert.equal(
      client.write("a", () => t.record.note("client", "written")),
      true,
    );
    client.write("b");
    client.resume();
    await t.closed(client);
  },
  "end() before the connection is there": async (_net, t) => {
    let accepted;
    const server = await t.serve((socket) => {
      accepted = t.record.watch("accepted", socket).resume();
    });
    const client = t.record.watch("client", t.connect(server));
    client.end("all", () => t.record.note("client", "ended"));
    client.resume();
    await t.closed(client);
    await t.closed(accepted);
  },
  "the server's own events": async (net, t) => {
    const server = t.owns(t.record.watch("server", net.createServer()));
    server.on("connection", (socket) => t.owns(socket).end());
    server.listen(0, t.host, () => t.record.note("server", "callback"));
    await t.event(server, "listening");
    const client = t.connect(server).resume();
    await t.closed(client);
    server.close(() => t.record.note("server", "closed"));
    await t.event(server, "close");
    await t.turns();
    assert.deepEqual(t.record.parties.server, ["listening", "callback", "connection Socket", "close", "closed"]);
  },
  "connect() calls its listener with no arguments, as 'connect' does": async (_net, t) => {
    const server = await t.serve();
    const client = t.connect(server);
    const called = new Promise((resolve) => client.once("connect", (...args) => resolve(args)));
    return [await called, client.connecting, client.pending];
  },
  "'connect' comes before 'ready', with connecting false in both": async (_net, t) => {
    const server = await t.serve();
    const client = t.connect(server);
    const seen = [];
    client.on("connect", () => seen.push(["connect", client.connecting, client.readyState]));
    client.on("ready", () => seen.push(["ready", client.connecting, client.readyState]));
    await t.event(client, "ready");
    return seen;
  },
  "nothing is emitted before connect() returned": async (net, t) => {
    const port = await t.deadPort();
    const client = t.owns(new net.Socket());
    t.record.watch("client", client);
    client.on("error", () => {});
    client.connect(port, t.host);
    assert.deepEqual(t.record.parties, {});
    await t.closed(client);
  },
  "a refused connection": async (net, t) => {
    const port = await t.deadPort();
    const client = t.record.watch("client", t.owns(net.connect(port, t.host)));
    client.on("error", () => {});
    await t.closed(client);
    assert.equal(t.record.parties.client.at(-1), "close true");
  },
  "localhost is looked up": needs(["localhost"], async (_net, t) => {
    const server = await t.serve(null, {}, { host: "localhost" });
    const client = t.record.watch("client", t.connect(server, { host: "localhost", family: 4 }));
    client.on("connect", () => client.destroy());
    client.on("error", () => {});
    await t.closed(client);
  }),
  "a name that does not exist": async (net, t) => {
    const lookup = (host, _options, done) =>
      done(Object.assign(new Error("getaddrinfo ENOTFOUND nowhere"), { code: "ENOTFOUND", hostname: host }));
    const client = t.record.watch("client", t.owns(net.connect({ port: 1, host: "nowhere.invalid", lookup })));
    const [error] = await t.event(client, "error");
    await t.closed(client);
    return [t.record.parties, t.shape(error)];
  },
  "data, then the peer is destroyed": async (_net, t) => {
    const { client, accepted } = await t.pair();
    client.resume();
    accepted.write("last words", () => accepted.destroy());
    await t.closed(client, accepted);
  },
  "a destroyed client: the server sees an end": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.destroy();
    await t.closed(client, accepted);
  },
  "destroy(error): error, then close true": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.on("error", () => {});
    client.destroy(new Error("enough"));
    await t.closed(client, accepted);
    assert.deepEqual(t.record.parties.client.slice(-2), ["error Error: enough", "close true"]);
  },
  "an accepted socket destroyed with an error": async (_net, t) => {
    const { client, accepted } = await t.pair();
    client.resume();
    accepted.on("error", () => {});
    accepted.destroy(new Error("no"));
    await t.closed(client, accepted);
  },
  "'close' is after what destroy()'s caller does next, and after nextTick, promises and setImmediate of before": async (
    _net,
    t,
  ) => {
    const { client } = await t.pair({ watched: false });
    const seen = [];
    client.on("close", () => seen.push("close"));
    setImmediate(() => seen.push("immediate"));
    client.destroy();
    process.nextTick(() => seen.push("tick"));
    Promise.resolve().then(() => seen.push("promise"));
    seen.push("return");
    await t.event(client, "close");
    return seen;
  },
  "the close of a socket that never connected is told at the next tick": async (net, t) => {
    const socket = new net.Socket();
    const seen = [];
    socket.on("close", (hadError) => seen.push(`close ${hadError}`));
    setImmediate(() => seen.push("immediate"));
    socket.destroy();
    await t.turns(2);
    return seen;
  },
  "once closed there are no more events": async (_net, t) => {
    const { client, accepted } = await t.pair();
    client.destroy();
    accepted.resume();
    await t.closed(client, accepted);
    client.destroy();
    client.end();
    client.resume();
    client.setTimeout(1);
    await t.turns();
  },
  "two clients do not hear of each other": async (_net, t) => {
    const server = await t.serve((socket) => socket.pipe(socket));
    const [a, b] = [t.connect(server), t.connect(server)];
    a.end("of a");
    b.end("of b");
    const got = await Promise.all([t.bytes(a), t.bytes(b)]);
    assert.deepEqual(got.map(String), ["of a", "of b"]);
  },
  "data in the same turn as the accept is not lost": async (_net, t) => {
    const got = [];
    const server = await t.serve((socket) => {
      setTimeout(() => socket.on("data", (bytes) => got.push(bytes)), 20);
    });
    const client = t.connect(server);
    client.write("early");
    await t.until(() => Buffer.concat(got).length === 5);
    assert.equal(String(Buffer.concat(got)), "early");
  },
  "the listeners that a socket has from the start": async (net) => {
    const socket = new net.Socket();
    return socket.eventNames().map((name) => [String(name), socket.listenerCount(name)]);
  },
  "events and listeners while connecting": async (_net, t) => {
    const server = await t.serve();
    const client = t.connect(server);
    client.write("x");
    const counts = ["connect", "close", "end"].map((name) => [name, client.listenerCount(name)]);
    await t.event(client, "connect");
    return counts;
  },
};
