/** setTimeout: silence, and what ends it. */
import assert from "node:assert/strict";

const passed = (since) => performance.now() - since;

const SILENCE = 300;
const TRIES = 10;

/** A machine that stands still for so long makes a silence of its own: of several tries one is to have none, though each is longer than it. */
async function neverSilent(client, write) {
  let timeouts = 0;
  client.on("timeout", () => timeouts++);
  for (let i = 0; i < TRIES; i++) {
    timeouts = 0;
    client.setTimeout(SILENCE);
    const start = performance.now();
    while (passed(start) < 1.5 * SILENCE) {
      write();
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (timeouts === 0) return;
  }
  assert.fail(`a 'timeout' in each of ${TRIES} tries`);
}

export const cases = {
  "'timeout' after silence, and the socket stays open": async (_net, t) => {
    const { client } = await t.pair();
    const start = performance.now();
    client.setTimeout(60);
    await t.event(client, "timeout");
    assert.ok(passed(start) >= 55, `${passed(start)}`);
    assert.equal(client.destroyed, false);
    return [client.timeout, t.record.parties.client];
  },
  "the callback is a listener for once": async (_net, t) => {
    const { client } = await t.pair();
    let called = 0;
    const callback = () => called++;
    client.setTimeout(30, callback);
    const listeners = client.listenerCount("timeout");
    await t.event(client, "timeout");
    const after = client.listenerCount("timeout");
    client.setTimeout(30);
    await t.event(client, "timeout");
    return [listeners, after, called];
  },
  "what is sent begins the time anew": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    accepted.resume();
    await neverSilent(client, () => client.write("x"));
  },
  "what is received begins the time anew": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    client.resume();
    await neverSilent(client, () => accepted.write("x"));
  },
  "0 takes it back, with its listener": async (_net, t) => {
    const { client } = await t.pair();
    let called = 0;
    const callback = () => called++;
    client.setTimeout(20, callback);
    client.setTimeout(0, callback);
    await new Promise((resolve) => setTimeout(resolve, 60));
    return [called, client.listenerCount("timeout"), client.timeout];
  },
  "0 without its listener leaves that": async (_net, t) => {
    const { client } = await t.pair();
    client.setTimeout(20, () => {});
    client.setTimeout(0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    return [client.listenerCount("timeout"), t.record.parties.client];
  },
  "changed to a longer one": async (_net, t) => {
    const { client } = await t.pair();
    client.setTimeout(20);
    client.setTimeout(100);
    const start = performance.now();
    await t.event(client, "timeout");
    assert.ok(passed(start) >= 90);
    return client.timeout;
  },
  "again: it is told once a setTimeout, unless something happens": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    let count = 0;
    client.on("timeout", () => count++);
    client.setTimeout(30);
    await t.event(client, "timeout");
    await new Promise((resolve) => setTimeout(resolve, 90));
    const quiet = count;
    client.write("x");
    await t.until(() => count > quiet);
    return [quiet, count];
  },
  "while connecting": async (net, t) => {
    const lookup = (_host, options, done) =>
      setTimeout(() => done(null, options.all ? [{ address: t.host, family: 4 }] : t.host, 4), 120);
    const server = await t.serve();
    const client = t.record.watch(
      "client",
      t.owns(net.connect({ port: server.address().port, host: "slow.invalid", lookup, timeout: 40 })),
    );
    await t.event(client, "timeout");
    const facts = [client.connecting, client.timeout];
    client.on("error", () => {});
    client.destroy();
    await t.closed(client);
    return [facts, t.record.parties];
  },
  "connect({ timeout })": async (_net, t) => {
    const { client } = await t.pair({ client: { timeout: 50 } });
    await t.event(client, "timeout");
    return client.timeout;
  },
  "returns the socket": async (net) => {
    const socket = new net.Socket();
    assert.equal(socket.setTimeout(0), socket);
    assert.equal(socket.setTimeout(1), socket);
    socket.destroy();
    assert.equal(socket.setTimeout(5), socket);
    return socket.timeout;
  },
  "wrong durations": async (net, t) => {
    const socket = new net.Socket();
    return ["1", undefined, null, {}, -1, Number.NaN, Number.POSITIVE_INFINITY, true, () => {}].map((value) => [
      t.thrown(() => socket.setTimeout(value)),
      String(socket.timeout),
    ]);
  },
  "wrong callbacks": async (net, t) => {
    const socket = t.owns(new net.Socket());
    return [1, "a", {}, null].map((value) => t.thrown(() => socket.setTimeout(10, value)));
  },
  "one that never connects has its timeout": async (net, t) => {
    const socket = t.owns(new net.Socket());
    socket.setTimeout(20);
    await t.event(socket, "timeout");
  },
  "destroyed: no more timeouts": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.setTimeout(20);
    client.destroy();
    await t.closed(client);
    await new Promise((resolve) => setTimeout(resolve, 50));
    return t.record.parties.client;
  },
  "destroy() in 'timeout'": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.setTimeout(20, () => client.destroy());
    await t.closed(client, accepted);
  },
  "end() in 'timeout'": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.resume();
    accepted.setTimeout(20, () => accepted.end());
    await t.closed(client, accepted);
  },
  "a write that goes on slowly is no silence; one that stands still is": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    accepted.pause();
    client.write(Buffer.alloc(20_000_000));
    client.setTimeout(50);
    // Nobody reads: after at most two rounds it is told.
    await t.event(client, "timeout");
    assert.ok(client.writableLength > 0);
  },
  "of one that is connected again": async (net, t) => {
    const server = await t.serve((socket) => socket.on("error", () => {}).resume());
    const socket = t.owns(new net.Socket());
    for (let i = 0; i < 2; i++) {
      socket.connect(server.address().port, t.host);
      await t.event(socket, "connect");
      socket.setTimeout(20);
      await t.event(socket, "timeout");
      socket.destroy();
      await t.event(socket, "close");
    }
  },
  "of the old connection does not come in the new one": async (net, t) => {
    const server = await t.serve((socket) => socket.on("error", () => {}).resume());
    const socket = t.owns(new net.Socket());
    let timeouts = 0;
    socket.on("timeout", () => timeouts++);
    socket.connect(server.address().port, t.host);
    await t.event(socket, "connect");
    socket.setTimeout(20);
    socket.destroy();
    await t.event(socket, "close");
    socket.connect(server.address().port, t.host);
    await t.event(socket, "connect");
    await new Promise((resolve) => setTimeout(resolve, 60));
    return [timeouts, socket.timeout];
  },
  "of a paused reader": async (_net, t) => {
    const { client } = await t.pair({ watched: false });
    client.pause();
    client.setTimeout(20);
    await t.event(client, "timeout");
  },
};
export const alone = {
  "too long a duration is cut, with a warning": async (net, t) => {
    const socket = t.owns(new net.Socket());
    const warned = t.event(process, "warning");
    socket.setTimeout(2 ** 31);
    const [warning] = await warned;
    return [warning.name, warning.message, socket.timeout];
  },
};
