/** A Socket that is connected again. */
import assert from "node:assert/strict";

/** Connects, ends and waits for the close. */
async function once(t, socket, server, text) {
  socket.connect(server.address().port, t.host);
  await t.event(socket, "connect");
  socket.end(text);
  socket.resume();
  await t.event(socket, "close");
}

export const cases = {
  "after close": async (net, t) => {
    const got = [];
    const server = await t.serve((socket) => socket.on("data", (bytes) => got.push(String(bytes))));
    const socket = t.record.watch("client", t.owns(new net.Socket()));
    await once(t, socket, server, "first");
    await once(t, socket, server, "second");
    await t.until(() => got.length === 2);
    return [got, socket.bytesWritten, socket.bytesRead, t.record.parties];
  },
  "after a refused connection": async (net, t) => {
    const server = await t.serve((socket) => socket.end("hello"));
    const socket = t.record.watch("client", t.owns(new net.Socket()));
    socket.on("error", () => {});
    socket.connect(await t.deadPort(), t.host);
    await t.event(socket, "close");
    socket.connect(server.address().port, t.host);
    const bytes = await t.bytes(socket);
    await t.closed(socket);
    return [String(bytes), t.record.parties];
  },
  "after destroy(), before its close": async (net, t) => {
    const server = await t.serve((socket) => socket.on("error", () => {}).resume());
    const socket = t.owns(new net.Socket());
    socket.connect(server.address().port, t.host);
    await t.event(socket, "connect");
    socket.destroy();
    socket.connect(server.address().port, t.host);
    const facts = [socket.connecting, socket.destroyed, socket.readyState];
    await t.event(socket, "connect");
    return [facts, socket.readyState];
  },
  "in 'close'": async (net, t) => {
    let connections = 0;
    const server = await t.serve((socket) => {
      connections++;
      socket.end();
    });
    const socket = t.owns(new net.Socket());
    socket.resume();
    let again = 3;
    const done = new Promise((resolve) => {
      socket.on("close", () => {
        if (--again > 0) socket.connect(server.address().port, t.host);
        else resolve();
      });
    });
    socket.connect(server.address().port, t.host);
    await done;
    assert.equal(connections, 3);
  },
  "its write() is the usual one again": async (net, t) => {
    const got = [];
    const server = await t.serve((socket) => {
      socket.on("data", (bytes) => got.push(String(bytes)));
      socket.end();
    });
    const socket = t.owns(new net.Socket());
    socket.resume();
    for (let i = 0; i < 2; i++) {
      socket.connect(server.address().port, t.host);
      await t.event(socket, "close");
    }
    const other = await t.serve((peer) => peer.on("data", (bytes) => got.push(String(bytes))));
    socket.connect(other.address().port, t.host);
    socket.write("works");
    await t.until(() => got.length > 0);
    return got;
  },
  "addresses of the new connection": async (net, t) => {
    const [a, b] = [await t.serve((s) => s.resume()), await t.serve((s) => s.resume())];
    const socket = t.owns(new net.Socket());
    await once(t, socket, a, "");
    assert.equal(socket.remotePort, undefined);
    socket.connect(b.address().port, t.host);
    await t.event(socket, "connect");
    assert.equal(socket.remotePort, b.address().port);
  },
  "connect() of one that is connected": async (_net, t) => {
    const { server, client } = await t.pair();
    client.connect(server.address().port, t.host);
    await t.event(client, "ready");
    return [client.readyState, t.record.parties.client];
  },
  "connect() while connecting": async (_net, t) => {
    const server = await t.serve();
    const client = t.record.watch("client", t.connect(server));
    client.on("error", (error) => t.record.note("client", t.shape(error).message.replace(/ - Local.*/, "")));
    client.connect(server.address().port, t.host);
    await t.closed(client);
  },
  "connect(options, listener) of a new Socket": async (net, t) => {
    const server = await t.serve();
    const socket = t.owns(new net.Socket());
    const called = new Promise((resolve) => {
      const returned = socket.connect({ port: server.address().port, host: t.host }, resolve);
      assert.equal(returned, socket);
    });
    await called;
  },
  "each connect() has its listener once": async (net, t) => {
    const server = await t.serve((socket) => socket.end());
    const socket = t.owns(new net.Socket());
    socket.resume();
    const seen = [];
    for (const name of ["a", "b"]) {
      socket.connect(server.address().port, t.host, () => seen.push(name));
      await t.event(socket, "close");
    }
    return seen;
  },
  "what was refused to be written does not go to the new connection": async (net, t) => {
    const got = [];
    const server = await t.serve((socket) =>
      socket.on("error", () => {}).on("data", (bytes) => got.push(String(bytes))),
    );
    const socket = t.owns(new net.Socket());
    socket.on("error", () => {});
    socket.connect(await t.deadPort(), t.host);
    await t.closed(socket);
    socket.write("lost");
    await t.turns();
    socket.connect(server.address().port, t.host);
    socket.write("kept");
    await t.until(() => got.length === 1);
    assert.deepEqual(got, ["kept"]);
  },
};
