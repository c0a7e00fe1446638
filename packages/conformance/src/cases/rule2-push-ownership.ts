import assert from "node:assert/strict";
import { Opcode, PushFlag } from "@demikernel/core";
import { group } from "../case.js";
import { channelKinds, needsOf, openChannel } from "../channels.js";
import { assertFailed, assertThrows, outcome } from "../failures.js";
import { randomBytes } from "../payload.js";
import { assertIdle, collect, completion, popBytes, popMessage, popOnce, pushBytes, take, until } from "../turns.js";

/** Rule 2: a push completes when its memory may be reused, and its sga may be freed at any time. */
export const ownership = group("rule 2: who owns the memory of a push", { on: "runtime" }, (test) => {
  for (const kind of channelKinds) {
    test(
      `an sga may be freed while its push is in flight: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const channel = await openChannel(ctx, os, kind);
        const size = 1000;
        const sent = randomBytes(ctx.random, size);
        const sga = os.sga.from(sent);
        const qt = os.push(channel.to, sga);
        os.free(sga);
        assertThrows("EINVAL", () => os.sga.bytes(sga));
        // Whoever gets memory now must not get that of the push.
        const scribble = Array.from({ length: 50 }, () => os.alloc(size));
        for (const other of scribble) os.sga.bytes(other).fill(0xff);
        assert.equal((await completion(ctx, os, qt)).result, size);
        assert.ok((await popBytes(ctx, os, channel.from, size)).equals(sent));
        for (const other of scribble) os.free(other);
        channel.close();
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );

    test(
      `FREE gives the sga away: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const channel = await openChannel(ctx, os, kind);
        const sga = os.sga.from("given away");
        const qt = os.push(channel.to, sga, PushFlag.FREE);
        assert.equal((await completion(ctx, os, qt)).result, 10);
        assertThrows("EINVAL", () => os.sga.bytes(sga));
        assertThrows("EINVAL", () => os.free(sga));
        assert.equal((await popBytes(ctx, os, channel.from, 10)).toString(), "given away");
        channel.close();
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );

    test(
      `memory may be overwritten once the push is done: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const channel = await openChannel(ctx, os, kind);
        const sga = os.alloc(8);
        for (let i = 0; i < 100; i++) {
          const text = `${i}`.padStart(8, "0");
          os.sga.bytes(sga).set(Buffer.from(text));
          assert.equal((await completion(ctx, os, os.push(channel.to, sga))).result, 8);
          os.sga.bytes(sga).fill(0xee);
          assert.equal((await popBytes(ctx, os, channel.from, 8)).toString(), text);
        }
        os.free(sga);
        channel.close();
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );

    test(
      `one sga in several pushes at a time: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const channel = await openChannel(ctx, os, kind);
        const sga = os.sga.from("again ");
        const pushes = Array.from({ length: 5 }, () => os.push(channel.to, sga));
        pushes.push(os.push(channel.to, sga, PushFlag.FREE));
        for (const qt of pushes) assert.equal((await completion(ctx, os, qt)).result, 6);
        assert.equal((await popBytes(ctx, os, channel.from, 36)).toString(), "again ".repeat(6));
        channel.close();
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );

    test(
      `a push gathers its segments: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const channel = await openChannel(ctx, os, kind);
        const sga = os.alloc(Array.from({ length: 16 }, (_, i) => i + 1));
        for (let i = 0; i < 16; i++) os.sga.bytes(sga, i).fill(97 + i);
        os.sga.trim(sga, 2, 3, 15);
        const expected = os.sga.copy(sga);
        assert.equal(expected.length, 123);
        assert.equal((await completion(ctx, os, os.push(channel.to, sga, PushFlag.FREE))).result, 123);
        assert.ok((await popBytes(ctx, os, channel.from, 123)).equals(expected));
        channel.close();
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );

    test(
      `QUIET: no completion for what succeeds: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const channel = await openChannel(ctx, os, kind);
        for (let i = 0; i < 20; i++) os.push(channel.to, os.sga.from("quiet"), PushFlag.FREE | PushFlag.QUIET);
        const seen: number[] = [];
        await until(ctx, "all quiet pushes to end", () => {
          os.turn((event) => seen.push(event.qt));
          return os.stats().outstanding === 0;
        });
        assert.deepEqual(seen, []);
        assert.equal((await popBytes(ctx, os, channel.from, 100)).toString(), "quiet".repeat(20));
        channel.close();
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );
  }

  test("QUIET: no token, but a failure is told to the handler, and the sga comes back", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue({ capacity: 1 });
    await pushBytes(ctx, os, qd, "fills it");
    assert.equal(os.push(qd, os.sga.from("waits"), PushFlag.FREE | PushFlag.QUIET), 0);
    const sga = os.sga.from("still mine");
    assert.equal(os.push(qd, sga, PushFlag.QUIET), 0);
    os.close(qd);
    const done = await collect(ctx, os, 2);
    for (const event of done) {
      assertFailed(event, "ECANCELED");
      assert.deepEqual({ qd: event.qd, qt: event.qt, opcode: event.opcode }, { qd, qt: 0, opcode: Opcode.PUSH });
    }
    assert.equal(os.sga.copy(sga).toString(), "still mine");
    os.free(sga);
    await assertIdle(ctx, os);
  });

  test("FREE frees the sga of a push that fails, too", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue({ capacity: 1 });
    await pushBytes(ctx, os, qd, "fills it");
    const qt = os.push(qd, os.sga.from("waits"), PushFlag.FREE);
    os.close(qd);
    assertFailed(await completion(ctx, os, qt), "ECANCELED");
    await assertIdle(ctx, os);
  });

  test("without FREE a failed push leaves the sga to the application", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue({ capacity: 1 });
    await pushBytes(ctx, os, qd, "fills it");
    const sga = os.sga.from("still mine");
    const qt = os.push(qd, sga);
    os.close(qd);
    assertFailed(await completion(ctx, os, qt), "ECANCELED");
    assert.equal(os.sga.copy(sga).toString(), "still mine");
    os.free(sga);
    await assertIdle(ctx, os);
  });

  test("a memory queue moves a given sga and keeps its segments", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const sga = os.alloc([3, 5, 7]);
    for (let i = 0; i < 3; i++) os.sga.bytes(sga, i).fill(48 + i);
    os.push(qd, sga, PushFlag.FREE | PushFlag.QUIET);
    const done = await popOnce(ctx, os, qd);
    assert.deepEqual(
      [0, 1, 2].map((i) => Buffer.from(os.sga.bytes(done.sga, i)).toString()),
      ["000", "11111", "2222222"],
    );
    os.free(done.sga);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("a push of nothing is refused with ENOMSG", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const sga = os.sga.from("abc");
    os.sga.trim(sga, 1, 0);
    assert.equal(await outcome(ctx, os, () => os.push(qd, sga)), "ENOMSG");
    assert.equal(await outcome(ctx, os, () => os.push(qd, sga, PushFlag.FREE)), "ENOMSG");
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("the range of an sga in flight cannot change for a second push: EBUSY", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue({ capacity: 1 });
    await pushBytes(ctx, os, qd, "fills it");
    const sga = os.sga.from("0123456789");
    const first = os.push(qd, sga);
    os.turn(() => assert.fail("the queue is full"));
    os.sga.trim(sga, 5, 5);
    assert.equal(await outcome(ctx, os, () => os.push(qd, sga)), "EBUSY");
    assert.equal((await popMessage(ctx, os, qd)).toString(), "fills it");
    assert.equal((await completion(ctx, os, first)).result, 10);
    assert.equal((await popMessage(ctx, os, qd)).toString(), "0123456789", "the first push sends what it was given");
    assert.equal((await completion(ctx, os, os.push(qd, sga))).result, 5);
    const done = await popOnce(ctx, os, qd);
    assert.equal(take(os, done.sga).toString(), "56789");
    os.free(sga);
    os.close(qd);
    await assertIdle(ctx, os);
  });
});
