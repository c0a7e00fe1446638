import assert from "node:assert/strict";
import { group } from "../case.js";
import { connectedPair, needsOf } from "../channels.js";
import { assertFailed, assertThrows, codeOf, outcome } from "../failures.js";
import { assertIdle, completion, popBytes, popMessage, popOnce, pushBytes, until } from "../turns.js";

/** Rule 4 for queues made from queues: their close, cancel and end. */
export const combinatorEnds = group(
  "merge, filter, map, sort, qconnect: close, cancel, end",
  { on: "runtime" },
  (test) => {
    test("close of a derived queue ends its pops with ECANCELED and leaves its sources alone", async (ctx) => {
      const os = await ctx.open();
      const [a, b] = [os.queue(), os.queue()];
      for (const derive of [
        () => os.merge(a, b),
        () => os.filter(a, () => true),
        () => os.map(a, (sga) => sga),
        () => os.sort(a, () => 0),
      ]) {
        const derived = derive();
        const pops = [os.pop(derived), os.pop(derived)];
        for (const qt of pops) assert.equal(os.poll(qt), undefined);
        os.close(derived);
        for (const qt of pops) assertFailed(await completion(ctx, os, qt), "ECANCELED");
        assert.equal(await outcome(ctx, os, () => os.pop(derived)), "EBADF");
        assertThrows("EBADF", () => os.close(derived));
        await pushBytes(ctx, os, a, "kept");
        assert.equal((await popMessage(ctx, os, a)).toString(), "kept", "a cancelled pop took nothing");
      }
      os.close(a);
      os.close(b);
      await assertIdle(ctx, os);
    });

    test("cancel of a derived pop takes nothing", async (ctx) => {
      const os = await ctx.open();
      const [a, b] = [os.queue(), os.queue()];
      for (const derived of [os.merge(a, b), os.filter(a, () => true), os.map(a, (sga) => sga)]) {
        const pop = os.pop(derived);
        assert.equal(os.poll(pop), undefined);
        assert.equal(os.cancel(pop), true);
        assertFailed(await completion(ctx, os, pop), "ECANCELED");
        await pushBytes(ctx, os, a, "kept");
        assert.equal((await popMessage(ctx, os, derived)).toString(), "kept");
        os.close(derived);
      }
      os.close(a);
      os.close(b);
      await assertIdle(ctx, os);
    });

    test("the end of a source reaches a derived queue", async (ctx) => {
      const os = await ctx.open();
      const qd = os.queue();
      const derived = os.map(qd, (sga) => sga);
      const pop = os.pop(derived);
      assert.equal(os.poll(pop), undefined);
      os.close(qd);
      assertFailed(await completion(ctx, os, pop), ["ECANCELED", "EBADF"]);
      assert.ok(["EBADF", "ECANCELED"].includes(await outcome(ctx, os, () => os.pop(derived))));
      os.close(derived);
      await assertIdle(ctx, os);
    });

    test("combinators on closed queues and with no function are refused", async (ctx) => {
      const os = await ctx.open();
      const [good, bad] = [os.queue(), os.queue()];
      os.close(bad);
      for (const call of [
        () => os.merge(good, bad),
        () => os.merge(bad, good),
        () => os.filter(bad, () => true),
        () => os.map(bad, (sga) => sga),
        () => os.sort(bad, () => 0),
        () => os.qconnect(good, bad),
        () => os.qconnect(bad, good),
      ]) {
        assertThrows("EBADF", call);
      }
      assertThrows("EINVAL", () => os.filter(good, undefined as never));
      assertThrows("EINVAL", () => os.map(good, undefined as never));
      assertThrows("EINVAL", () => os.sort(good, undefined as never));
      os.close(good);
      await assertIdle(ctx, os);
    });

    test(
      "an end that a pop of a derived socket sees is the end of the stream",
      async (ctx) => {
        const os = await ctx.open();
        const [client, server] = await connectedPair(ctx, os);
        const derived = os.map(server, (sga) => sga);
        await pushBytes(ctx, os, client, "last");
        os.close(client);
        assert.equal((await popBytes(ctx, os, derived, 4)).toString(), "last");
        for (let i = 0; i < 2; i++) {
          const end = await popOnce(ctx, os, derived);
          assert.equal(end.result, 0, codeOf(end));
          assert.equal(end.sga, 0);
        }
        os.close(derived);
        os.close(server);
        await until(ctx, "all to be given back", () => os.stats().outstanding === 0);
        await assertIdle(ctx, os);
      },
      { needs: needsOf("tcp") },
    );
  },
);
