/** write() and end(): what arrives, in which order callbacks are told, what goes wrong. */
import assert from "node:assert/strict";

const TEXT = "aé€😀z";
const ENCODINGS = [
  "utf8",
  "utf-8",
  "latin1",
  "binary",
  "ascii",
  "ucs2",
  "ucs-2",
  "utf16le",
  "base64",
  "base64url",
  "hex",
];

export const cases = {
  ...Object.fromEntries(
    ENCODINGS.map((encoding) => [
      `a string in ${encoding}`,
      async (_net, t) => {
        const { client, accepted } = await t.pair({ watched: false });
        const got = t.bytes(accepted);
        const text = encoding === "hex" ? "00ff10ab" : encoding.startsWith("base64") ? "AP8Qqw" : TEXT;
        client.write(text, encoding);
        client.write(text.repeat(3000), encoding);
        client.end(text, encoding);
        const bytes = await got;
        const expected = Buffer.concat([text, text.repeat(3000), text].map((each) => Buffer.from(each, encoding)));
        assert.ok(bytes.equals(expected));
        return [bytes.length, client.bytesWritten];
      },
    ]),
  ),
  "UTF-8 is never cut": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    accepted.setEncoding("utf8");
    let got = "";
    accepted.on("data", (text) => {
      got += text;
    });
    const text = "€😀".repeat(50_000);
    client.end(text);
    await t.event(accepted, "end");
    assert.equal(got, text);
  },
  "lone surrogates": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    const got = t.bytes(accepted);
    client.end("a\ud800b\udc00");
    return (await got).toString("hex");
  },
  setDefaultEncoding: async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    const got = t.bytes(accepted);
    client.setDefaultEncoding("hex");
    client.write("0102");
    client.end("ff");
    return (await got).toString("hex");
  },
  "a Uint8Array, a Buffer, a part of one": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    const got = t.bytes(accepted);
    client.write(new Uint8Array([1, 2, 3]));
    client.write(Buffer.from([4, 5]));
    client.end(Buffer.from([9, 6, 7, 9]).subarray(1, 3));
    assert.deepEqual([...(await got)], [1, 2, 3, 4, 5, 6, 7]);
  },
  "the caller's buffer may be changed once the callback was called": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    const got = t.bytes(accepted);
    const buffer = Buffer.alloc(100_000, 1);
    await new Promise((resolve) => client.write(buffer, resolve));
    buffer.fill(2);
    client.end();
    assert.ok((await got).every((byte) => byte === 1));
  },
  "empty chunks": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.resume();
    const seen = [];
    seen.push(client.write("", () => seen.push("a")));
    seen.push(client.write(Buffer.alloc(0), () => seen.push("b")));
    seen.push(client.write("", "hex", () => seen.push("c")));
    await t.until(() => seen.includes("c"));
    client.end("");
    await t.closed(client, accepted);
    return [seen, client.bytesWritten, t.record.parties];
  },
  "5 MB at once": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    const got = t.bytes(accepted);
    const bytes = Buffer.alloc(5_000_000, "0123456789");
    client.end(bytes);
    assert.ok((await got).equals(bytes));
    return client.bytesWritten;
  },
  "a string of 5 MB": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    const got = t.bytes(accepted);
    const text = "0123456789".repeat(500_000);
    client.end(text);
    assert.equal(String(await got), text);
    return client.bytesWritten;
  },
  "many small ones": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    const got = t.bytes(accepted);
    for (let i = 0; i < 5000; i++) client.write(`${i},`);
    client.end();
    assert.equal(String(await got), Array.from({ length: 5000 }, (_, i) => `${i},`).join(""));
  },
  "callbacks come in order": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.resume();
    const seen = [];
    client.write("a", () => seen.push("a"));
    client.write(Buffer.alloc(1_000_000), () => seen.push("b"));
    client.write("c", () => seen.push("c"));
    client.end("d", () => seen.push("end"));
    client.on("finish", () => seen.push("finish"));
    await t.closed(client, accepted);
    return seen;
  },
  "a callback never comes before write() returned": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    accepted.resume();
    let returned = false;
    const called = new Promise((resolve) => {
      client.write("x", () => resolve(returned));
    });
    returned = true;
    assert.equal(await called, true);
  },
  "a callback's arguments": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    accepted.resume();
    const first = await new Promise((resolve) => client.write("x", (...args) => resolve(args)));
    const ended = await new Promise((resolve) => client.end((...args) => resolve(args)));
    return [first.map(String), ended.map(String)];
  },
  "a callback while connecting": async (_net, t) => {
    const server = await t.serve((socket) => socket.resume());
    const client = t.connect(server);
    const seen = [];
    client.on("connect", () => seen.push("connect"));
    client.on("ready", () => seen.push("ready"));
    await new Promise((resolve) =>
      client.write("x", () => {
        seen.push("written");
        resolve();
      }),
    );
    return seen;
  },
  "end() in its forms": async (_net, t) => {
    const results = [];
    for (const args of [[], ["a"], ["6162", "hex"], [Buffer.from("b")], [null], [undefined], ["c", undefined]]) {
      const { client, accepted } = await t.pair({ watched: false });
      const got = t.bytes(accepted);
      assert.equal(client.end(...args), client);
      results.push(String(await got));
    }
    return results;
  },
  "end()'s callback is called at 'finish'": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.resume();
    client.end("x", "utf8", () => t.record.note("client", "callback"));
    await t.closed(client, accepted);
  },
  "end() twice": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.resume();
    const seen = [];
    client.end("x", (error) => seen.push(error?.code ?? "first"));
    client.end((error) => seen.push(error?.code ?? "second"));
    await t.closed(client, accepted);
    await t.turns();
    return [seen, t.record.parties];
  },
  "write() after end()": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.on("error", () => {}).resume();
    const failed = t.event(client, "error");
    client.end("x");
    const seen = [];
    const returned = client.write("y", (error) => seen.push(t.shape(error)));
    const [error] = await failed;
    await t.closed(client);
    return [returned, seen, t.shape(error), t.record.parties.client];
  },
  "write() after destroy()": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.destroy();
    const told = new Promise((resolve) => client.write("x", (error) => resolve(t.shape(error))));
    const error = await told;
    await t.closed(client);
    await t.turns();
    return [error, t.record.parties.client];
  },
  "write() on one that was never connected": async (net, t) => {
    const client = t.record.watch("client", t.owns(new net.Socket()));
    client.on("error", () => {});
    const told = [];
    client.write("x", (error) => told.push(t.shape(error)));
    await t.closed(client);
    return [told, t.record.parties];
  },
  "end() on one that was never connected": async (net, t) => {
    const client = t.record.watch("client", t.owns(new net.Socket()));
    client.end();
    await t.turns();
    return [client.writableEnded, client.destroyed, t.record.parties];
  },
  "what cannot be written": async (_net, t) => {
    const { client } = await t.pair({ watched: false });
    return [1, true, {}, [], null, undefined, Symbol.iterator, () => {}].map((value) =>
      t.thrown(() => client.write(value)),
    );
  },
  "an unknown encoding": async (_net, t) => {
    const { client } = await t.pair({ watched: false });
    return t.thrown(() => client.write("x", "utf9"));
  },
  "to a peer that has gone: an error, once": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    client.allowHalfOpen = true;
    accepted.resetAndDestroy();
    const errors = [];
    client.on("error", (error) => errors.push(error.code));
    const timer = setInterval(() => client.write("x"), 5);
    await t.closed(client);
    clearInterval(timer);
    assert.equal(errors.length, 1);
    assert.ok(["EPIPE", "ECONNRESET"].includes(errors[0]), errors[0]);
  },
  "write() in the callback of write()": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    const got = t.bytes(accepted);
    let left = 200;
    const next = () => {
      if (left-- > 0) client.write("x", next);
      else client.end();
    };
    next();
    assert.equal((await got).length, 200);
  },
  "both directions at once, 4 MB each": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    const up = Buffer.alloc(4_000_000, "up");
    const down = Buffer.alloc(4_000_000, "down");
    const gotUp = t.bytes(accepted);
    const gotDown = t.bytes(client);
    client.end(up);
    accepted.end(down);
    assert.ok((await gotUp).equals(up));
    assert.ok((await gotDown).equals(down));
  },
  "an echo of 1 MB in chunks of random sizes": async (_net, t) => {
    const seed = (Date.now() ^ (process.pid << 8)) >>> 0;
    let state = seed;
    const random = (below) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const server = await t.serve((socket) => socket.pipe(socket), { allowHalfOpen: true });
    const client = t.connect(server);
    const got = t.bytes(client);
    const bytes = Buffer.alloc(1 << 20);
    for (let i = 0; i < bytes.length; i++) bytes[i] = random(256);
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + random(random(3) === 0 ? 100_000 : 500);
      if (!client.write(bytes.subarray(at, at + size))) await t.event(client, "drain");
      at += size;
    }
    client.end();
    assert.ok((await got).equals(bytes), `seed ${seed}`);
  },
};
