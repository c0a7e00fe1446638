import assert from "node:assert/strict";
import { type Completion, type PopCompletion, PushFlag, type QueueDescriptor, type QueueToken } from "@demikernel/core";
import { group } from "../case.js";
import { listener, needsOf } from "../channels.js";
import { assertFailed, assertThrows, codeOf } from "../failures.js";
import {
  assertIdle,
  collect,
  completion,
  popMessage,
  popOnce,
  pushBytes,
  sgaOf,
  snapshot,
  take,
  turn,
} from "../turns.js";

/** Rule 5: everything is bounded, and a limit that is hit is a code, after which all goes on. */
export const bounds = group("rule 5: tokens, descriptors, rings, capacities", { on: "runtime" }, (test) => {
  test(
    "outstanding operations: EAGAIN at the limit, and on again when one ends",
    async (ctx) => {
      const os = await ctx.open({ tokens: 64 });
      const qd = os.queue();
      const pops: QueueToken<PopCompletion>[] = [];
      for (let i = 0; i < 64; i++) pops.push(os.pop(qd));
      for (let i = 0; i < 3; i++) assertThrows("EAGAIN", () => os.pop(qd));
      const sga = os.sga.from("refused");
      assertThrows("EAGAIN", () => os.push(qd, sga));
      assert.equal(os.sga.copy(sga).toString(), "refused", "a refused push leaves the sga alone");
      os.free(sga);
      assert.equal(os.cancel(pops[0]), true);
      assertFailed(await completion(ctx, os, pops[0]), "ECANCELED");
      const push = os.push(qd, os.sga.from("goes"), PushFlag.FREE);
      assert.equal((await completion(ctx, os, push)).result, 4);
      assert.equal(take(os, (await completion(ctx, os, pops[1])).sga).toString(), "goes");
      os.close(qd);
      for (const qt of pops.slice(2)) assertFailed(await completion(ctx, os, qt), "ECANCELED");
      await assertIdle(ctx, os);
    },
    { own: true },
  );

  test(
    "completions nobody fetches count as outstanding: they cannot pile up",
    async (ctx) => {
      const os = await ctx.open({ tokens: 64 });
      const qd = os.queue();
      const pushes = Array.from({ length: 64 }, () => os.push(qd, os.sga.from("x"), PushFlag.FREE));
      assert.equal((await completion(ctx, os, pushes[0])).result, 1);
      pushes[0] = os.push(qd, os.sga.from("y"), PushFlag.FREE);
      assertThrows("EAGAIN", () => os.pop(qd));
      for (const qt of pushes) assert.equal((await completion(ctx, os, qt)).result, 1);
      assert.equal((await popMessage(ctx, os, qd)).toString(), "x");
      os.close(qd);
      await assertIdle(ctx, os);
    },
    { own: true },
  );

  test("quiet pushes are bounded too: one too many fails with a code, and all is given back", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue({ capacity: 1 });
    const count = 6000;
    for (let i = 0; i < count; i++) os.push(qd, os.alloc(8), PushFlag.FREE | PushFlag.QUIET);
    const refused: Completion[] = [];
    os.turn((event) => refused.push(snapshot(event)));
    assert.ok(refused.length > 0 && refused.length < count, `${refused.length} of ${count} were refused`);
    for (const event of refused) assertFailed(event, ["EAGAIN", "ENOBUFS"]);
    const goes = os.push(qd, os.sga.from("x"), PushFlag.FREE);
    for (let i = 0; i < count - refused.length; i++) os.free((await popOnce(ctx, os, qd)).sga);
    assert.equal((await completion(ctx, os, goes)).result, 1);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test(
    "descriptors: EMFILE at the limit, and on again when one closes",
    async (ctx) => {
      const os = await ctx.open({ queues: 16 });
      const queues: QueueDescriptor[] = [];
      for (let i = 0; i < 16; i++) queues.push(os.queue());
      for (let i = 0; i < 3; i++) assertThrows("EMFILE", () => os.queue());
      await pushBytes(ctx, os, queues[15], "works on");
      assert.equal((await popMessage(ctx, os, queues[15])).toString(), "works on");
      os.close(queues[3]);
      os.close(os.queue());
      for (const qd of queues) if (qd !== queues[3]) os.close(qd);
      await assertIdle(ctx, os);
    },
    { own: true },
  );

  test(
    "an accept without a descriptor left waits or ends with EMFILE; with one it goes on",
    async (ctx) => {
      const os = await ctx.open({ queues: 16 });
      const { qd: listening, ...address } = listener(ctx, os);
      const client = os.socket("tcp");
      const fill: QueueDescriptor[] = [];
      while (os.stats().queues < 16) fill.push(os.queue());
      let accepting = os.accept(listening);
      assert.equal((await completion(ctx, os, os.connect(client, address))).result, 0);
      for (let i = 0; i < 20; i++) {
        const early = os.poll(accepting);
        await turn();
        if (early === undefined) continue;
        assertFailed(early, "EMFILE");
        assert.equal(early.newQd, 0);
        accepting = os.accept(listening);
        break;
      }
      assert.equal(os.stats().queues, 16);
      os.close(fill.pop() as QueueDescriptor);
      let done = await completion(ctx, os, accepting);
      // An accept started while there was none left may still fail with it; the connection must not be lost by that.
      if (codeOf(done) === "EMFILE") done = await completion(ctx, os, os.accept(listening));
      assert.equal(done.result, 0);
      await pushBytes(ctx, os, client, "in after all");
      assert.equal((await popMessage(ctx, os, done.newQd)).toString(), "in after all");
      for (const qd of [listening, client, done.newQd, ...fill]) os.close(qd);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp"), own: true },
  );

  test(
    "rings smaller than a batch lose and reorder nothing",
    async (ctx) => {
      const os = await ctx.open({ ringEntries: 64, tokens: 4096 });
      const qd = os.queue({ capacity: 4096 });
      const started: QueueToken[] = [];
      for (let i = 0; i < 1000; i++) started.push(os.push(qd, os.sga.from(`${i}`), PushFlag.FREE));
      for (let i = 0; i < 1000; i++) started.push(os.pop(qd));
      const done = await collect(ctx, os, 2000);
      assert.deepEqual(
        done.map((event) => event.qt),
        started,
      );
      for (const [i, event] of done.slice(1000).entries()) assert.equal(take(os, sgaOf(event)).toString(), `${i}`);
      os.close(qd);
      await assertIdle(ctx, os);
    },
    { own: true },
  );

  test(
    "more completions at once than the ring holds all arrive",
    async (ctx) => {
      const os = await ctx.open({ ringEntries: 64, tokens: 4096 });
      const qd = os.queue();
      const pops = Array.from({ length: 1000 }, () => os.pop(qd));
      assert.equal(
        os.turn(() => assert.fail("nothing to pop")),
        0,
      );
      os.close(qd);
      const done = await collect(ctx, os, 1000);
      assert.deepEqual(
        done.map((event) => event.qt),
        pops,
      );
      assert.ok(done.every((event) => codeOf(event) === "ECANCELED"));
      await assertIdle(ctx, os);
    },
    { own: true },
  );

  test("a queue holds as many sgas as its capacity; further pushes wait", async (ctx) => {
    const os = await ctx.open();
    for (const capacity of [1, 2, 7, 1000]) {
      const qd = os.queue({ capacity });
      const pushes = Array.from({ length: capacity + 2 }, () => os.push(qd, os.sga.from("x"), PushFlag.FREE));
      for (const qt of pushes.slice(0, capacity)) assert.equal((await completion(ctx, os, qt)).result, 1);
      assert.equal(os.poll(pushes[capacity]), undefined, `push ${capacity + 1} of a queue for ${capacity}`);
      await popMessage(ctx, os, qd);
      assert.equal((await completion(ctx, os, pushes[capacity])).result, 1);
      assert.equal(os.poll(pushes[capacity + 1]), undefined);
      await popMessage(ctx, os, qd);
      assert.equal((await completion(ctx, os, pushes[capacity + 1])).result, 1);
      os.close(qd);
    }
    await assertIdle(ctx, os);
  });

  test("capacities that are none are EINVAL", async (ctx) => {
    const os = await ctx.open();
    for (const capacity of [0, -1, 65537, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assertThrows("EINVAL", () => os.queue({ capacity }));
    }
    assert.equal(os.stats().queues, 0);
    os.close(os.queue({ capacity: 65536 }));
  });
});
