/** allowHalfOpen: whether a socket whose peer has ended ends as well. */
import assert from "node:assert/strict";

export const cases = {
  "not allowed: the peer's end ends the socket": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.resume();
    client.end();
    await t.closed(accepted, client);
    assert.equal(accepted.writableEnded, true);
  },
  "allowed at the server: it goes on writing": async (_net, t) => {
    const { client, accepted } = await t.pair({ server: { allowHalfOpen: true } });
    accepted.resume();
    client.end("question");
    await t.event(accepted, "end");
    assert.deepEqual([accepted.writable, accepted.writableEnded, accepted.readyState], [true, false, "writeOnly"]);
    await t.turns();
    accepted.write("late ");
    accepted.end("answer");
    assert.equal(String(await t.bytes(client)), "late answer");
    await t.closed(client, accepted);
  },
  "allowed at the client: it goes on writing": async (_net, t) => {
    const { client, accepted } = await t.pair({ client: { allowHalfOpen: true } });
    client.resume();
    const got = t.bytes(accepted);
    accepted.end("bye");
    await t.event(client, "end");
    assert.equal(client.readyState, "writeOnly");
    client.end("still here");
    assert.equal(String(await got), "still here");
    await t.closed(client, accepted);
  },
  "allowed: without end() it stays open": async (_net, t) => {
    const { client, accepted } = await t.pair({ server: { allowHalfOpen: true } });
    accepted.resume();
    client.end();
    await t.event(accepted, "end");
    await t.turns(10);
    assert.equal(accepted.destroyed, false);
    accepted.end();
    client.resume();
    await t.closed(client, accepted);
  },
  "set after the accept": async (_net, t) => {
    const { client, accepted } = await t.pair({
      onAccepted: (socket) => {
        socket.allowHalfOpen = true;
      },
    });
    accepted.resume();
    client.end();
    await t.event(accepted, "end");
    await t.turns();
    assert.equal(accepted.writableEnded, false);
  },
  "the option's value is a boolean": async (net) => [
    new net.Socket().allowHalfOpen,
    new net.Socket({ allowHalfOpen: 1 }).allowHalfOpen,
    net.createServer().allowHalfOpen,
    net.createServer({ allowHalfOpen: true }).allowHalfOpen,
  ],
  "a half-closed client reads to the end": async (_net, t) => {
    const { client, accepted } = await t.pair({ server: { allowHalfOpen: true } });
    accepted.on("end", () => accepted.end(Buffer.alloc(300_000, "x")));
    accepted.resume();
    client.end();
    assert.equal(client.readyState, "readOnly");
    assert.equal((await t.bytes(client)).length, 300_000);
    await t.closed(client, accepted);
  },
  "write() after the peer's end says EPIPE": async (_net, t) => {
    const { client, accepted } = await t.pair();
    client.resume();
    accepted.end();
    const errors = [];
    client.on("error", (error) => errors.push(t.shape(error)));
    await t.event(client, "end");
    // It has been ended by now, since nothing half open is wanted.
    await new Promise((resolve) => process.nextTick(resolve));
    const before = [client.writableEnded, client.destroyed];
    const returned = client.write("too late", (error) => errors.push(["callback", error.code, error.message]));
    assert.equal(returned, false);
    await t.closed(client);
    return [before, errors];
  },
  "the peer ends while this side has unsent data": async (_net, t) => {
    const { client, accepted } = await t.pair();
    const size = 2_000_000;
    let got = 0;
    client.resume();
    client.write(Buffer.alloc(size));
    accepted.end();
    accepted.on("data", (bytes) => {
      got += bytes.length;
    });
    await t.closed(client, accepted);
    assert.equal(got, size);
    return [client.writableFinished, accepted.readableEnded];
  },
  "'end' with nobody reading waits for a reader": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.end("unread");
    await t.turns(10);
    assert.equal(client.readableEnded, false);
    client.resume();
    await t.event(client, "end");
    accepted.resume();
    await t.closed(client, accepted);
  },
};
