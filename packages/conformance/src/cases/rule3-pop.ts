import assert from "node:assert/strict";
import { Opcode, PushFlag, type Sga } from "@demikernel/core";
import { group } from "../case.js";
import { connectedPair, messageKinds, needsOf, openChannel, streamKinds } from "../channels.js";
import { assertFailed, outcome } from "../failures.js";
import { assertIdle, closeAll, completion, popBytes, popMessage, popOnce, pushBytes, take } from "../turns.js";

/** Rule 3: a pop hands over one sga, which is the application's until it frees it. */
export const popping = group("rule 3: pop", { on: "runtime" }, (test) => {
  for (const kind of messageKinds) {
    test(
      `a message pops as it was pushed: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const channel = await openChannel(ctx, os, kind);
        for (const text of ["one", "a", "three three three"])
          os.push(channel.to, os.sga.from(text), PushFlag.FREE | PushFlag.QUIET);
        const done = await popOnce(ctx, os, channel.from);
        assert.equal(done.opcode, Opcode.POP);
        assert.equal(done.qd, channel.from);
        assert.equal(done.result, 3);
        assert.equal(take(os, done.sga).toString(), "one");
        assert.equal((await popMessage(ctx, os, channel.from)).toString(), "a");
        assert.equal((await popMessage(ctx, os, channel.from)).toString(), "three three three");
        channel.close();
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );

    test(
      `a message longer than the limit stays: EMSGSIZE, and the next pop gets it: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const channel = await openChannel(ctx, os, kind);
        // Waiting when the message comes, and coming when the message waits.
        const early = os.pop(channel.from, 4);
        os.push(channel.to, os.sga.from("0123456789"), PushFlag.FREE | PushFlag.QUIET);
        assertFailed(await completion(ctx, os, early), "EMSGSIZE");
        assertFailed(await popOnce(ctx, os, channel.from, 9), "EMSGSIZE");
        const done = await popOnce(ctx, os, channel.from, 10);
        assert.equal(done.result, 10, "a limit of its very length will do");
        assert.equal(take(os, done.sga).toString(), "0123456789");
        channel.close();
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );
  }

  test(
    "a limit splits a stream",
    async (ctx) => {
      const os = await ctx.open();
      const channel = await openChannel(ctx, os, "tcp");
      await pushBytes(ctx, os, channel.to, "0123456789");
      const first = await popOnce(ctx, os, channel.from, 4);
      assert.ok(first.result > 0 && first.result <= 4, `${first.result} bytes`);
      const head = take(os, first.sga);
      const tail = await popBytes(ctx, os, channel.from, 10 - head.length);
      assert.equal(head.toString() + tail.toString(), "0123456789");
      await closeAll(ctx, os, [channel.to, channel.from]);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "a pop of a stream brings what has come, not what was pushed",
    async (ctx) => {
      const os = await ctx.open();
      const channel = await openChannel(ctx, os, "tcp");
      // Reserving more than a device segment proves nothing waits to be full.
      for (const text of ["a", "bb", "ccc"]) {
        await pushBytes(ctx, os, channel.to, text);
        assert.equal((await popBytes(ctx, os, channel.from, text.length)).toString(), text);
      }
      await closeAll(ctx, os, [channel.to, channel.from]);
    },
    { needs: needsOf("tcp") },
  );

  test("a limit that is none is EINVAL", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    for (const limit of [-1, 1.5, Number.NaN, 2 ** 31]) {
      assert.equal(await outcome(ctx, os, () => os.pop(qd, limit)), "EINVAL", `pop(${limit})`);
    }
    assert.equal(os.stats().outstanding, 0);
  });

  for (const kind of streamKinds) {
    const framing = kind === "dmtr" ? ("dmtr" as const) : ("stream" as const);
    test(
      `the end of the stream is a pop of 0, every time: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const [client, server] = await connectedPair(ctx, os, { framing });
        const waiting = [os.pop(server), os.pop(server)];
        await pushBytes(ctx, os, client, "last words");
        os.close(client);
        const last = await completion(ctx, os, waiting[0]);
        assert.equal(take(os, last.sga).toString(), "last words", "what was sent before comes first");
        for (let i = 0; i < 4; i++) {
          const end = i === 0 ? await completion(ctx, os, waiting[1]) : await popOnce(ctx, os, server);
          assert.equal(end.result, 0, `pop ${i}`);
          assert.equal(end.sga, 0, "nothing to free");
        }
        os.close(server);
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );

    test(
      `an end of stream reaches all pops that wait: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const [client, server] = await connectedPair(ctx, os, { framing });
        const waiting = Array.from({ length: 5 }, () => os.pop(server));
        os.close(client);
        for (const qt of waiting) assert.equal((await completion(ctx, os, qt)).result, 0);
        os.close(server);
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );
  }

  test("what was popped stays as it is while more arrives", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const held: Sga[] = [];
    for (let i = 0; i < 200; i++) {
      await pushBytes(ctx, os, qd, `message ${i}`);
      held.push((await popOnce(ctx, os, qd)).sga);
    }
    for (const [i, sga] of held.entries()) assert.equal(take(os, sga).toString(), `message ${i}`);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("a popped sga can be changed and pushed on", async (ctx) => {
    const os = await ctx.open();
    const [first, second] = [os.queue(), os.queue()];
    await pushBytes(ctx, os, first, "hello world");
    const { sga } = await popOnce(ctx, os, first);
    os.sga.bytes(sga)[0] = 0x48;
    os.sga.trim(sga, 0, 5);
    os.push(second, sga, PushFlag.FREE | PushFlag.QUIET);
    assert.equal((await popMessage(ctx, os, second)).toString(), "Hello");
    os.close(first);
    os.close(second);
    await assertIdle(ctx, os);
  });
});
