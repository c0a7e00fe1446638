/** Options of sockets, signals, and what happens to who is not waited for. */
import assert from "node:assert/strict";

async function ends(t, ...args) {
  const child = t.child("unreferenced.mjs", {}, ...args);
  let said = "";
  child.stdout.on("data", (bytes) => {
    said += bytes;
  });
  const [code, signal] = await t.event(child, "close");
  return [code, signal, said];
}

export const cases = {
  "setNoDelay() and setKeepAlive() return the socket, whatever they get": async (net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    for (const socket of [client, accepted, new net.Socket()]) {
      for (const args of [[], [true], [false], [1], [undefined]]) assert.equal(socket.setNoDelay(...args), socket);
      for (const args of [[], [true], [true, 1000], [false, 5], [true, "x"], [true, -1]])
        assert.equal(socket.setKeepAlive(...args), socket);
    }
    const got = t.bytes(accepted);
    client.end("fine");
    assert.equal(String(await got), "fine");
  },
  "noDelay and keepAlive as options": async (_net, t) => {
    const { client, accepted } = await t.pair({
      client: { noDelay: true, keepAlive: true, keepAliveInitialDelay: 2000 },
      server: { noDelay: true, keepAlive: true, keepAliveInitialDelay: 2000 },
    });
    accepted.end("x");
    assert.equal(String(await t.bytes(client)), "x");
  },
  "set before the connection": async (net, t) => {
    const server = await t.serve((socket) => socket.end("x"));
    const socket = t.owns(new net.Socket());
    socket.setNoDelay(true).setKeepAlive(true, 1000);
    socket.connect(server.address().port, t.host);
    assert.equal(String(await t.bytes(socket)), "x");
  },
  "set after close": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.destroy();
    await t.closed(client);
    await t.closed(accepted);
    assert.equal(client.setNoDelay(), client);
    assert.equal(client.setKeepAlive(true), client);
    assert.equal(client.ref(), client);
    assert.equal(client.unref(), client);
  },
  "ref() and unref() return the socket, and the server": async (_net, t) => {
    const { server, client, accepted } = await t.pair();
    for (const each of [server, client, accepted]) {
      assert.equal(each.unref(), each);
      assert.equal(each.unref(), each);
      assert.equal(each.ref(), each);
    }
  },
  "new Socket({ fd })": async (_net, t) => {
    const child = t.child("descriptor.mjs", { stdio: ["ignore", "pipe", "inherit", "pipe"] });
    const pipe = child.stdio[3];
    let said = "";
    child.stdout.on("data", (bytes) => {
      said += bytes;
    });
    pipe.write("hello");
    const [echo] = await t.event(pipe, "data");
    pipe.end();
    const [code] = await t.event(child, "close");
    return [String(echo), code, said];
  },
  "descriptors that are none": async (net, t) => [
    t.thrown(() => new net.Socket({ fd: -1 })),
    t.thrown(() => new net.Socket({ fd: "1" })),
    t.thrown(() => new net.Socket({ fd: 99_999 })),
    t.thrown(() => new net.Socket(99_999)),
  ],
  "an unreferenced server does not keep the process": (_net, t) => ends(t, "server"),
  "an unreferenced server, told before it listens": (_net, t) => ends(t, "server before"),
  "unreferenced connections do not keep the process": (_net, t) => ends(t, "connections"),
  "an unreferenced connection under way does not keep the process": (_net, t) => ends(t, "connecting"),
  "closed servers and sockets do not keep the process": (_net, t) => ends(t, "closed"),
  "a referenced socket keeps the process until its end": (_net, t) => ends(t, "referenced"),
  "referenced again": (_net, t) => ends(t, "again"),
  "a signal that is aborted ends a connection": async (_net, t) => {
    const abort = new AbortController();
    const { client, accepted } = await t.pair({ client: { signal: abort.signal } });
    accepted.on("error", () => {}).resume();
    const failed = t.event(client, "error");
    abort.abort();
    const [error] = await failed;
    await t.closed(client, accepted);
    return [t.shape(error), t.record.parties.client];
  },
  "a signal that is aborted while connecting": async (_net, t) => {
    const abort = new AbortController();
    const server = await t.serve((socket) => socket.on("error", () => {}).resume());
    const client = t.record.watch("client", t.connect(server, { signal: abort.signal }));
    const failed = t.event(client, "error");
    abort.abort();
    const [error] = await failed;
    await t.closed(client);
    return [t.shape(error), t.record.parties];
  },
  "a signal that was aborted before": async (_net, t) => {
    const server = await t.serve((socket) => socket.on("error", () => {}).resume());
    const client = t.record.watch("client", t.connect(server, { signal: AbortSignal.abort() }));
    const failed = t.event(client, "error");
    const [error] = await failed;
    await t.closed(client);
    return [t.shape(error), t.record.parties];
  },
  "a signal with a reason": async (net, t) => {
    const abort = new AbortController();
    const socket = t.record.watch("client", t.owns(new net.Socket({ signal: abort.signal })));
    const failed = t.event(socket, "error");
    abort.abort(new Error("the reason"));
    const [error] = await failed;
    await t.closed(socket);
    return [t.shape(error), error.cause?.message, t.record.parties];
  },
  "a signal that is aborted after the close": async (_net, t) => {
    const abort = new AbortController();
    const { client, accepted } = await t.pair({ client: { signal: abort.signal } });
    accepted.on("error", () => {}).resume();
    client.destroy();
    await t.closed(client);
    abort.abort();
    await t.turns();
    return t.record.parties.client;
  },
  "a signal that is none": async (net, t) => [1, "x", {}].map((signal) => t.thrown(() => new net.Socket({ signal }))),
  "a signal while names are tried": async (net, t) => {
    const abort = new AbortController();
    const lookup = (_host, options, done) => {
      setTimeout(
        () =>
          done(
            null,
            options.all
              ? [
                  { address: t.host, family: 4 },
                  { address: "127.0.0.3", family: 4 },
                ]
              : t.host,
            4,
          ),
        20,
      );
    };
    const client = t.record.watch(
      "client",
      t.owns(net.connect({ port: 1, host: "a.invalid", lookup, signal: abort.signal })),
    );
    const failed = t.event(client, "error");
    abort.abort();
    await failed;
    await t.closed(client);
    await new Promise((resolve) => setTimeout(resolve, 40));
    return t.record.parties;
  },
};
