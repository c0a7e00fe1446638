import assert from "node:assert/strict";
import { PushFlag } from "@demikernel/core";
import { group } from "../case.js";
import { connectedPair, limitSendBuffer, listener, needsOf, streamKinds } from "../channels.js";
import { assertFailed, assertThrows, outcome } from "../failures.js";
import { randomBytes, sha256 } from "../payload.js";
import { acceptedFromNet, received } from "../peers.js";
import { assertIdle, closeAll, completion, popBytes, popMessage, popOnce, pushBytes, turn, until } from "../turns.js";

const MiB = 1 << 20;

/** The half-close: one direction ends, the other goes on. */
export const shutdowns = group("shutdown", { on: "runtime" }, (test) => {
  test("in memory: what was pushed can be popped, then comes the end, every time", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue({ capacity: 2 });
    const pushes = ["a", "b", "c"].map((text) => os.push(qd, os.sga.from(text), PushFlag.FREE));
    assert.equal(os.poll(pushes[2]), undefined, "the queue is full");
    os.shutdown(qd);
    os.shutdown(qd);
    assert.equal(await outcome(ctx, os, () => os.push(qd, os.sga.from("late"), PushFlag.FREE)), "EPIPE");
    for (const text of ["a", "b", "c"]) assert.equal((await popMessage(ctx, os, qd)).toString(), text);
    for (const qt of pushes) assert.equal((await completion(ctx, os, qt)).result, 1);
    for (let i = 0; i < 3; i++) {
      const { result, sga } = await popOnce(ctx, os, qd);
      assert.deepEqual({ result, sga }, { result: 0, sga: 0 });
    }
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("in memory: pops that wait find the end", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const pops = [os.pop(qd), os.pop(qd, 10)];
    assert.equal(os.poll(pops[0]), undefined);
    const promised = os.async.pop(qd);
    const read = (async () => {
      const texts: string[] = [];
      for await (const sga of os.async.messages(qd)) texts.push(os.sga.copy(sga).toString());
      return texts;
    })();
    await turn();
    os.shutdown(qd);
    for (const qt of pops) assert.equal((await completion(ctx, os, qt)).result, 0);
    assert.equal(await promised, 0);
    assert.deepEqual(await read, []);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("in memory: the end reaches derived queues, and ends a pipe", async (ctx) => {
    const os = await ctx.open();
    const [from, to] = [os.queue(), os.queue()];
    const pipe = os.qconnect(from, to);
    await pushBytes(ctx, os, from, "through the pipe");
    os.shutdown(from);
    assert.equal((await popOnce(ctx, os, pipe)).result, 0);
    assert.equal((await popMessage(ctx, os, to)).toString(), "through the pipe");
    const filtered = os.filter(to, () => true);
    await pushBytes(ctx, os, to, "the last");
    os.shutdown(to);
    assert.equal((await popMessage(ctx, os, filtered)).toString(), "the last");
    assert.equal((await popOnce(ctx, os, filtered)).result, 0);
    assertThrows("EOPNOTSUPP", () => os.shutdown(filtered));
    for (const qd of [pipe, filtered, from, to]) os.close(qd);
    assertThrows("EBADF", () => os.shutdown(to));
    await assertIdle(ctx, os);
  });

  for (const kind of streamKinds) {
    const options = { framing: kind === "dmtr" ? "dmtr" : "stream", maxMessage: 8 * MiB } as const;

    test(
      `the peer's pop is 0, pushes are EPIPE, pops go on: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const [client, server] = await connectedPair(ctx, os, options);
        await pushBytes(ctx, os, client, "the question");
        os.shutdown(client);
        os.shutdown(client);
        assert.equal(await outcome(ctx, os, () => os.push(client, os.sga.from("late"), PushFlag.FREE)), "EPIPE");
        assert.equal((await popMessage(ctx, os, server)).toString(), "the question");
        for (let i = 0; i < 2; i++) {
          const { result, sga } = await popOnce(ctx, os, server);
          assert.deepEqual({ result, sga }, { result: 0, sga: 0 });
        }
        // The other direction is as it was, for as long as its side likes.
        for (let i = 0; i < 20; i++) {
          await pushBytes(ctx, os, server, `answer ${i}`);
          assert.equal((await popMessage(ctx, os, client)).toString(), `answer ${i}`);
        }
        os.shutdown(server);
        assert.equal((await popOnce(ctx, os, client)).result, 0);
        assert.equal(await outcome(ctx, os, () => os.push(server, os.sga.from("late"), PushFlag.FREE)), "EPIPE");
        await closeAll(ctx, os, [client, server]);
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );

    test(
      `pushes that are pending are sent before the end: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const [client, server] = await connectedPair(ctx, os, options);
        limitSendBuffer(ctx, os, client);
        const parts = Array.from({ length: 6 }, () => randomBytes(ctx.random, MiB - 17));
        const pushes = parts.map((part) => os.push(client, os.sga.from(part), PushFlag.FREE));
        os.shutdown(client);
        assert.equal(await outcome(ctx, os, () => os.push(client, os.sga.from("late"), PushFlag.FREE)), "EPIPE");
        const got: Buffer[] = [];
        for (;;) {
          const { result, sga } = await popOnce(ctx, os, server);
          if (result === 0) break;
          assert.ok(result > 0, `pop ended with ${result}`);
          got.push(os.sga.copy(sga));
          os.free(sga);
        }
        assert.equal(sha256(...got), sha256(...parts));
        for (const qt of pushes) assert.equal((await completion(ctx, os, qt)).result, MiB - 17);
        await closeAll(ctx, os, [client, server]);
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind), timeout: 15_000 },
    );

    test(
      `both sides at once: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const pair = await connectedPair(ctx, os, options);
        for (const qd of pair) os.push(qd, os.sga.from("last words"), PushFlag.FREE | PushFlag.QUIET);
        for (const qd of pair) os.shutdown(qd);
        for (const qd of pair) {
          assert.equal((await popMessage(ctx, os, qd)).toString(), "last words");
          assert.equal((await popOnce(ctx, os, qd)).result, 0);
        }
        // It has ended both ways, and its descriptor is as good as before.
        for (let i = 0; i < 10; i++) await turn();
        for (const qd of pair) {
          assert.equal((await popOnce(ctx, os, qd)).result, 0);
          assert.equal(await outcome(ctx, os, () => os.push(qd, os.sga.from("late"), PushFlag.FREE)), "EPIPE");
          os.shutdown(qd);
        }
        await closeAll(ctx, os, [...pair]);
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );

    test(
      `while it connects: the pushes, then the end: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const server = listener(ctx, os, options);
        const accepting = os.accept(server.qd);
        const client = os.socket("tcp", options);
        const connect = os.connect(client, server);
        const push = os.push(client, os.sga.from("early"), PushFlag.FREE);
        os.shutdown(client);
        assert.equal(await outcome(ctx, os, () => os.push(client, os.sga.from("late"), PushFlag.FREE)), "EPIPE");
        assert.equal((await completion(ctx, os, connect)).result, 0);
        assert.equal((await completion(ctx, os, push)).result, 5);
        const { newQd } = await completion(ctx, os, accepting);
        assert.equal((await popMessage(ctx, os, newQd)).toString(), "early");
        assert.equal((await popOnce(ctx, os, newQd)).result, 0);
        await closeAll(ctx, os, [client, newQd, server.qd]);
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );
  }

  test(
    "where there is no stream to end: ENOTCONN before connect and on a listener, EOPNOTSUPP of datagrams",
    async (ctx) => {
      const os = await ctx.open();
      const server = listener(ctx, os);
      const fresh = os.socket("tcp");
      assertThrows("ENOTCONN", () => os.shutdown(server.qd));
      assertThrows("ENOTCONN", () => os.shutdown(fresh));
      if (ctx.target.features.udp) {
        const datagrams = os.socket("udp");
        assertThrows("EOPNOTSUPP", () => os.shutdown(datagrams));
        os.close(datagrams);
      }
      // They are none the worse for it.
      const accepting = os.accept(server.qd);
      assert.equal((await completion(ctx, os, os.connect(fresh, server))).result, 0);
      const { newQd } = await completion(ctx, os, accepting);
      os.close(newQd);
      assert.equal((await popOnce(ctx, os, fresh)).result, 0);
      await closeAll(ctx, os, [fresh, server.qd]);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "a cancelled push was the last: the end follows all the same",
    async (ctx) => {
      const os = await ctx.open();
      const [client, server] = await connectedPair(ctx, os);
      limitSendBuffer(ctx, os, client);
      // More of them than a backend hands to its device at once, and more bytes than it takes unread.
      const lengths = [...new Array<number>(6).fill(MiB - 17), ...new Array<number>(100).fill(1)];
      const pushes = lengths.map((length) => os.push(client, os.alloc(length), PushFlag.FREE));
      const last = os.push(client, os.sga.from("never sent"), PushFlag.FREE);
      assert.equal(os.poll(pushes[5]), undefined);
      os.shutdown(client);
      assert.equal(os.cancel(last), true);
      assertFailed(await completion(ctx, os, last), "ECANCELED");
      await popBytes(ctx, os, server, 6 * (MiB - 17) + 100);
      assert.equal((await popOnce(ctx, os, server)).result, 0);
      for (const [i, qt] of pushes.entries()) assert.equal((await completion(ctx, os, qt)).result, lengths[i]);
      await closeAll(ctx, os, [client, server]);
    },
    { needs: needsOf("tcp"), timeout: 10_000 },
  );

  test(
    "a peer that is node:net sees the end, and is still heard",
    async (ctx) => {
      const os = await ctx.open();
      const { qd, socket } = await acceptedFromNet(ctx, os);
      const inbox = received(socket);
      await pushBytes(ctx, os, qd, "all I have to say");
      os.shutdown(qd);
      await until(ctx, "the end", inbox.ended, os);
      assert.equal(inbox.bytes().toString(), "all I have to say");
      socket.write("and I");
      assert.equal((await popMessage(ctx, os, qd)).toString(), "and I");
      socket.end();
      assert.equal((await popOnce(ctx, os, qd)).result, 0);
      os.close(qd);
      await assertIdle(ctx, os);
    },
    { needs: ["tcp", "hostPeer", "halfClose"] },
  );
});
