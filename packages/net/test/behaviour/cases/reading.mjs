/** The ways to read: data, readable, iteration, pipe, encodings, onread. */
import assert from "node:assert/strict";
import { PassThrough, Transform } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";

export const cases = {
  "setEncoding('utf8') with a character that is cut": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    client.setEncoding("utf8");
    const got = [];
    client.on("data", (chunk) => got.push(chunk));
    const euro = Buffer.from("€");
    accepted.write(euro.subarray(0, 1));
    await t.until(() => client.bytesRead === 1);
    accepted.end(euro.subarray(1));
    await t.event(client, "end");
    assert.equal(got.join(""), "€");
    return client.readableEncoding;
  },
  "setEncoding('hex')": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    client.setEncoding("hex");
    let got = "";
    client.on("data", (chunk) => {
      got += chunk;
    });
    accepted.end(Buffer.from([1, 254]));
    await t.event(client, "end");
    assert.equal(got, "01fe");
  },
  "readable and read()": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    const parts = [];
    client.on("readable", () => {
      for (let chunk = client.read(); chunk !== null; chunk = client.read()) parts.push(chunk);
    });
    accepted.write("one ");
    accepted.end("two");
    await t.event(client, "end");
    assert.equal(Buffer.concat(parts).toString(), "one two");
  },
  "read(n)": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    accepted.end("abcdefgh");
    const parts = [];
    client.on("readable", () => {
      for (let chunk = client.read(3); chunk !== null; chunk = client.read(3)) parts.push(String(chunk));
    });
    await t.event(client, "end");
    assert.deepEqual(parts, ["abc", "def", "gh"]);
  },
  "unshift()": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    accepted.write("body");
    const [chunk] = await t.event(client, "data");
    client.pause();
    client.unshift(chunk);
    const got = t.event(client, "data");
    client.resume();
    assert.equal(String((await got)[0]), "body");
  },
  "async iteration": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    accepted.write("a");
    setTimeout(() => accepted.end("b"), 5);
    let got = "";
    for await (const chunk of client) got += chunk;
    assert.equal(got, "ab");
    assert.equal(client.destroyed, true);
  },
  "async iteration that is left destroys": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.on("error", () => {}).resume();
    accepted.write("a");
    for await (const chunk of client) {
      assert.equal(String(chunk), "a");
      break;
    }
    assert.equal(client.destroyed, true);
    await t.closed(client, accepted);
    return t.record.parties.client;
  },
  "async iteration over a reset connection throws": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    setTimeout(() => accepted.resetAndDestroy(), 5);
    await assert.rejects(
      async () => {
        for await (const chunk of client) void chunk;
      },
      { code: "ECONNRESET", message: "read ECONNRESET" },
    );
  },
  "stream/consumers": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    accepted.end("consumed");
    assert.equal(await text(client), "consumed");
  },
  "pipe to itself": async (_net, t) => {
    const server = await t.serve((socket) => socket.pipe(socket));
    const client = t.record.watch("client", t.connect(server));
    const got = t.bytes(client);
    client.end("echo");
    assert.equal(String(await got), "echo");
    await t.closed(client);
    // Whether the echo or "finish" comes first is chance.
    return t.record.parties.client.toSorted();
  },
  "pipe() ends the target, unless told otherwise": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    const source = new PassThrough();
    source.pipe(client, { end: false });
    source.end("x");
    await t.event(source, "end");
    await t.turns();
    assert.equal(client.writableEnded, false);
    const other = new PassThrough();
    const got = t.bytes(accepted);
    other.pipe(client);
    other.end("y");
    assert.equal(String(await got), "xy");
  },
  "pipeline() through a transform": async (_net, t) => {
    const server = await t.serve(
      (socket) => {
        const upper = new Transform({
          transform(chunk, _encoding, done) {
            done(null, String(chunk).toUpperCase());
          },
        });
        pipeline(socket, upper, socket).catch(() => {});
      },
      { allowHalfOpen: true },
    );
    const client = t.connect(server);
    const got = t.bytes(client);
    client.end("shout");
    assert.equal(String(await got), "SHOUT");
  },
  "pipeline() into a socket ends it, and rejects when it breaks": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    const got = t.bytes(accepted);
    await pipeline(async function* () {
      yield "a";
      yield "b";
    }, client);
    assert.equal(String(await got), "ab");
  },
  "a proxy of two sockets": async (_net, t) => {
    const back = await t.serve((socket) => socket.pipe(socket), { allowHalfOpen: true });
    const front = await t.serve(
      (socket) => {
        const on = t.connect(back, { allowHalfOpen: true });
        socket.pipe(on).pipe(socket);
      },
      { allowHalfOpen: true },
    );
    const client = t.connect(front);
    const bytes = Buffer.alloc(700_000, "proxy");
    const got = t.bytes(client);
    client.end(bytes);
    assert.ok((await got).equals(bytes));
  },
  "compose of Web streams": async (_net, t) => {
    const { Duplex } = await import("node:stream");
    const { client, accepted } = await t.pair({ watched: false });
    accepted.pipe(accepted);
    const { readable, writable } = Duplex.toWeb(client);
    const writer = writable.getWriter();
    await writer.write(Buffer.from("web"));
    const reader = readable.getReader();
    const { value } = await reader.read();
    assert.equal(Buffer.from(value).toString(), "web");
  },
  "onread with one buffer": async (_net, t) => {
    const buffer = Buffer.alloc(16);
    let got = "";
    const same = [];
    const onread = {
      buffer,
      callback(count, given) {
        same.push(given === buffer, this === undefined || this === onread ? "known" : this?.constructor?.name);
        got += given.subarray(0, count).toString("latin1");
        return true;
      },
    };
    const { client, accepted } = await t.pair({ client: { onread } });
    accepted.end("a text that is longer than the buffer");
    await t.event(client, "end");
    assert.equal(got, "a text that is longer than the buffer");
    await t.closed(client);
    return [[...new Set(same)], client.bytesRead, t.record.parties.client.filter((event) => !event.startsWith("data"))];
  },
  "onread with buffers that are made": async (_net, t) => {
    const made = new Set();
    let got = "";
    const onread = {
      buffer: () => {
        const buffer = Buffer.alloc(8);
        made.add(buffer);
        return buffer;
      },
      callback(count, given) {
        assert.ok(made.has(given));
        got += given.subarray(0, count).toString("latin1");
      },
    };
    const { client, accepted } = await t.pair({ client: { onread } });
    accepted.end("0123456789abcdefXYZ");
    await t.event(client, "end");
    assert.equal(got, "0123456789abcdefXYZ");
    assert.ok(made.size >= 3);
    await t.closed(client);
    return t.record.parties.client;
  },
  "onread that returns false stops, resume() goes on": async (_net, t) => {
    let got = "";
    let calls = 0;
    const onread = {
      buffer: Buffer.alloc(4),
      callback(count, given) {
        calls++;
        got += given.subarray(0, count);
        return false;
      },
    };
    const { client, accepted } = await t.pair({ client: { onread }, watched: false });
    accepted.end("abcdefgh");
    await t.until(() => calls === 1);
    await t.turns(20);
    assert.equal(calls, 1);
    client.resume();
    await t.until(() => calls === 2);
    client.resume();
    assert.equal(got, "abcdefgh");
    await t.event(client, "end");
  },
  "onread with pause() and resume()": async (_net, t) => {
    let got = "";
    const onread = {
      buffer: Buffer.alloc(64),
      callback(count, given) {
        got += given.subarray(0, count);
      },
    };
    const { client, accepted } = await t.pair({ client: { onread }, watched: false });
    client.pause();
    accepted.write("later");
    await t.turns(20);
    assert.equal(got, "");
    client.resume();
    await t.until(() => got === "later");
  },
  "an onread that is none is left out": async (_net, t) => {
    const results = [];
    for (const onread of [{}, { buffer: 1, callback() {} }, { buffer: Buffer.alloc(2) }, null]) {
      const { client, accepted } = await t.pair({ client: { onread }, watched: false });
      const got = t.bytes(client);
      accepted.end("plain");
      results.push(String(await got));
    }
    return results;
  },
  "onread's buffer may be a Uint8Array": async (_net, t) => {
    const buffer = new Uint8Array(32);
    let seen;
    const { client, accepted } = await t.pair({
      client: {
        onread: {
          buffer,
          callback(count, given) {
            seen = [count, given === buffer, Buffer.from(given.subarray(0, count)).toString()];
          },
        },
      },
      watched: false,
    });
    accepted.end("bytes");
    await t.event(client, "end");
    return seen;
  },
  "readable: false, writable: false": async (net, t) => {
    const socket = t.owns(new net.Socket({ readable: false, writable: false }));
    return [socket.readable, socket.writable, socket.readyState];
  },
};
