/** Backpressure, pause and resume, cork. */
import assert from "node:assert/strict";

const MANY = 8 * 1024 * 1024;

/** Writes until the peer, who does not read, has made it stop: what was written, and is unsent, stays below some limit. */
async function fill(socket) {
  const chunk = Buffer.alloc(64 * 1024, "x");
  let written = 0;
  for (let full = 0; full < 20; ) {
    if (socket.write(chunk)) full = 0;
    else {
      full++;
      if (written > 64 * MANY) throw new Error("the writer was never stopped");
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    written += chunk.length;
  }
  return written;
}

export const cases = {
  "write() says false at the high-water mark, and 'drain' comes": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    const seen = [];
    const mark = client.writableHighWaterMark;
    assert.equal(client.write(Buffer.alloc(mark - 1)), true);
    await t.event(accepted, "data");
    const full = client.write(Buffer.alloc(4 * 1024 * 1024));
    seen.push(full, client.writableNeedDrain);
    await t.event(client, "drain");
    seen.push(client.writableNeedDrain, client.writableLength);
    return [mark, seen];
  },
  "a chunk of the high-water mark's size that goes out at once needs no drain": async (_net, t) => {
    const { client, accepted } = await t.pair({ client: { highWaterMark: 16 } });
    accepted.resume();
    const first = client.write("0123456789abcdef");
    const facts = [first, client.writableNeedDrain, client.writableLength, client.writableHighWaterMark];
    client.end();
    client.resume();
    await t.closed(client, accepted);
    return [facts, t.record.parties];
  },
  "a reader that does not read stops the writer": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    accepted.pause();
    const chunk = Buffer.alloc(256 * 1024);
    let taken = 0;
    const write = () => {
      while (taken < 64 * MANY && client.write(chunk)) taken += chunk.length;
      taken += chunk.length;
    };
    client.on("drain", write);
    write();
    // Stopped: nothing drains for a while.
    let before = -1;
    while (before !== taken) {
      before = taken;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.ok(taken < 64 * MANY, `the writer was never stopped: ${taken}`);
    assert.equal(client.writableNeedDrain, true);
    // What a paused reader holds is bounded, too.
    assert.ok(accepted.readableLength <= 1024 * 1024, `held: ${accepted.readableLength}`);
    client.off("drain", write);
    client.end();
    let got = 0;
    accepted.on("data", (bytes) => {
      got += bytes.length;
    });
    accepted.resume();
    await t.event(accepted, "end");
    assert.equal(got, taken);
  },
  "the accepted end is stopped by a client that does not read": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    client.pause();
    const written = await fill(accepted);
    accepted.end();
    let got = 0;
    client.on("data", (bytes) => {
      got += bytes.length;
    });
    client.resume();
    await t.event(client, "end");
    assert.equal(got, written);
  },
  "pause() holds data back, resume() gives it": async (_net, t) => {
    const { client, accepted } = await t.pair();
    let got = "";
    client.on("data", (bytes) => {
      got += bytes;
    });
    client.pause();
    assert.equal(client.isPaused(), true);
    accepted.write("held");
    await t.turns(20);
    assert.equal(got, "");
    client.resume();
    await t.until(() => got === "held");
    assert.equal(client.isPaused(), false);
  },
  "pause() within 'data'": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    const seen = [];
    client.on("data", (bytes) => {
      seen.push(String(bytes));
      client.pause();
      setTimeout(() => client.resume(), 3);
    });
    for (const word of ["one ", "two ", "three"]) {
      const count = seen.length;
      accepted.write(word);
      await t.until(() => seen.length > count);
    }
    assert.equal(seen.join(""), "one two three");
  },
  "paused before it is connected": async (_net, t) => {
    const server = await t.serve((socket) => socket.end("greeting"));
    const client = t.record.watch("client", t.connect(server));
    client.pause();
    await t.event(client, "connect");
    await t.turns(20);
    assert.equal(client.bytesRead, 0);
    let got = "";
    client.on("data", (bytes) => {
      got += bytes;
    });
    client.resume();
    await t.closed(client);
    assert.equal(got, "greeting");
  },
  pauseOnConnect: async (_net, t) => {
    const { client, accepted } = await t.pair({ server: { pauseOnConnect: true } });
    client.write("waits");
    const facts = [accepted.isPaused(), accepted.readableFlowing, accepted.bytesRead];
    await t.turns(20);
    facts.push(accepted.bytesRead);
    let got = "";
    accepted.on("data", (bytes) => {
      got += bytes;
    });
    await t.turns(5);
    facts.push(got);
    accepted.resume();
    await t.until(() => got === "waits");
    return facts;
  },
  "pauseOnConnect, and the peer has gone meanwhile": async (_net, t) => {
    const { client, accepted } = await t.pair({ server: { pauseOnConnect: true } });
    client.end("last");
    await t.turns(10);
    const got = t.bytes(accepted);
    accepted.resume();
    assert.equal(String(await got), "last");
    await t.closed(accepted);
    return t.record.parties.accepted;
  },
  "cork() keeps writes together until uncork()": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    let got = "";
    accepted.on("data", (bytes) => {
      got += bytes;
    });
    client.cork();
    client.write("a");
    client.write(Buffer.from("b"));
    client.write("c", "latin1");
    await t.turns(10);
    const facts = [got, client.writableLength, client.writableCorked];
    client.uncork();
    facts.push(client.writableCorked);
    await t.until(() => got === "abc");
    return facts;
  },
  "end() uncorks": async (_net, t) => {
    const { client, accepted } = await t.pair();
    const got = t.bytes(accepted);
    client.cork();
    client.write("a");
    client.cork();
    client.end("b");
    client.resume();
    assert.equal(String(await got), "ab");
    await t.closed(client, accepted);
  },
  "corked in nested calls": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    client.cork();
    client.cork();
    client.write("xy");
    client.uncork();
    const between = client.writableLength;
    client.uncork();
    const after = client.writableLength;
    assert.equal(String((await t.event(accepted, "data"))[0]), "xy");
    return [between, after];
  },
  "many corked chunks of all kinds arrive in order": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    const got = t.bytes(accepted);
    client.cork();
    const expected = [];
    for (let i = 0; i < 500; i++) {
      const text = `${i}:${"é€😀"[i % 3]};`;
      if (i % 2) {
        client.write(text);
        expected.push(Buffer.from(text));
      } else {
        const bytes = Buffer.alloc(i, i & 255);
        client.write(bytes);
        expected.push(bytes);
      }
    }
    process.nextTick(() => client.uncork());
    client.end();
    assert.ok((await got).equals(Buffer.concat(expected)));
  },
  "readableHighWaterMark bounds what a paused socket holds": async (_net, t) => {
    const { client, accepted } = await t.pair({ client: { readableHighWaterMark: 1024, highWaterMark: 1024 } });
    client.on("readable", () => {});
    accepted.write(Buffer.alloc(2_000_000));
    await t.until(() => client.readableLength > 0);
    await t.turns(20);
    // At most what one read brings beyond the mark.
    assert.ok(client.readableLength <= 1024 + 64 * 1024, String(client.readableLength));
    return client.readableHighWaterMark;
  },
  "highWaterMark of the server is the sockets'": async (_net, t) => {
    const { accepted } = await t.pair({ server: { highWaterMark: 4321 } });
    return [accepted.readableHighWaterMark, accepted.writableHighWaterMark];
  },
  "the usual high-water marks": async (net, t) => {
    const { client, accepted } = await t.pair();
    return [client, accepted, new net.Socket()].map((s) => [s.readableHighWaterMark, s.writableHighWaterMark]);
  },
  "writableLength while connecting": async (_net, t) => {
    const server = await t.serve();
    const client = t.connect(server);
    client.write("four");
    client.write("more");
    const before = [client.writableLength, client.bufferSize];
    await t.event(client, "connect");
    await t.turns();
    return [before, client.writableLength, client.bufferSize];
  },
};
