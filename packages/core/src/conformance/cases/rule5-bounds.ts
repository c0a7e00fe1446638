import assert from "node:assert/strict";
import { group } from "../case.js";
import { needsOf } from "../channels.js";
import { assertFailed, assertThrows, codeOf } from "../failures.js";
import { assertIdle, collect, completion, popMessage, pushBytes, take } from "../turns.js";
import { PushFlag } from "../../types.js";

/** Rule 5: everything is bounded, and a limit that is hit is a code, after which all goes on. */
export const bounds = group("rule 5: tokens, descriptors, rings, capacities", [], (test) => {
  test("outstanding operations: EAGAIN at the limit, and on again when one ends", async (ctx) => {
    const os = await ctx.open({ tokens: 64 });
    const qd = os.queue();
    const pops: number[] = [];
    for (let i = 0; i < 64; i++) pops.push(os.pop(qd));
    for (let i = 0; i < 3; i++) assertThrows("EAGAIN", () => os.pop(qd));
    const sga = os.from("refused");
    assertThrows("EAGAIN", () => os.push(qd, sga));
    assert.equal(os.copy(sga).toString(), "refused", "a refused push leaves the sga alone");
    os.free(sga);
    assert.equal(os.cancel(pops[0]), true);
    assertFailed(await completion(ctx, os, pops[0]), "ECANCELED");
    const push = os.push(qd, os.from("goes"), PushFlag.FREE);
    assert.equal((await completion(ctx, os, push)).result, 4);
    assert.equal(take(os, (await completion(ctx, os, pops[1])).sga).toString(), "goes");
    os.close(qd);
    for (const qt of pops.slice(2)) assertFailed(await completion(ctx, os, qt), "ECANCELED");
    await assertIdle(ctx, os);
  });

  test("completions nobody fetches count as outstanding: they cannot pile up", async (ctx) => {
    const os = await ctx.open({ tokens: 64 });
    const qd = os.queue();
    const pushes = Array.from({ length: 64 }, () => os.push(qd, os.from("x"), PushFlag.FREE));
    assert.equal((await completion(ctx, os, pushes[0])).result, 1);
    pushes[0] = os.push(qd, os.from("y"), PushFlag.FREE);
    assertThrows("EAGAIN", () => os.pop(qd));
    for (const qt of pushes) assert.equal((await completion(ctx, os, qt)).result, 1);
    assert.equal((await popMessage(ctx, os, qd)).toString(), "x");
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("descriptors: EMFILE at the limit, and on again when one closes", async (ctx) => {
    const os = await ctx.open({ queues: 16 });
    const queues: number[] = [];
    for (let i = 0; i < 16; i++) queues.push(os.queue());
    for (let i = 0; i < 3; i++) assertThrows("EMFILE", () => os.queue());
    await pushBytes(ctx, os, queues[15], "works on");
    assert.equal((await popMessage(ctx, os, queues[15])).toString(), "works on");
    os.close(queues[3]);
    os.close(os.queue());
    for (const qd of queues) if (qd !== queues[3]) os.close(qd);
    await assertIdle(ctx, os);
  });

  test("an accept without a descriptor left ends with EMFILE", async (ctx) => {
    const os = await ctx.open({ queues: 16 });
    const listening = os.socket("tcp");
    os.bind(listening, { host: ctx.host(4), port: 0 });
    os.listen(listening);
    const client = os.socket("tcp");
    const fill: number[] = [];
    while (os.stats().queues < 16) fill.push(os.queue());
    const accepting = os.accept(listening);
    assert.equal((await completion(ctx, os, os.connect(client, os.getsockname(listening)))).result, 0);
    const done = await completion(ctx, os, accepting);
    assert.equal(codeOf(done), "EMFILE");
    assert.equal(done.newQd, 0);
    for (const qd of [listening, client, ...fill]) os.close(qd);
    await assertIdle(ctx, os);
  }, { needs: needsOf("tcp") });

  test("rings smaller than a batch lose and reorder nothing", async (ctx) => {
    const os = await ctx.open({ ringEntries: 64, tokens: 4096 });
    const qd = os.queue({ capacity: 4096 });
    const started: number[] = [];
    for (let i = 0; i < 1000; i++) started.push(os.push(qd, os.from(`${i}`), PushFlag.FREE));
    for (let i = 0; i < 1000; i++) started.push(os.pop(qd));
    const done = await collect(ctx, os, 2000);
    assert.deepEqual(
      done.map((event) => event.qt),
      started,
    );
    done.slice(1000).forEach((event, i) => assert.equal(take(os, event.sga).toString(), `${i}`));
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("more completions at once than the ring holds all arrive", async (ctx) => {
    const os = await ctx.open({ ringEntries: 64, tokens: 4096 });
    const qd = os.queue();
    const pops = Array.from({ length: 1000 }, () => os.pop(qd));
    assert.equal(os.drain(() => assert.fail("nothing to pop")), 0);
    os.close(qd);
    const done = await collect(ctx, os, 1000);
    assert.deepEqual(
      done.map((event) => event.qt),
      pops,
    );
    assert.ok(done.every((event) => codeOf(event) === "ECANCELED"));
    await assertIdle(ctx, os);
  });

  test("a queue holds as many sgas as its capacity; further pushes wait", async (ctx) => {
    const os = await ctx.open();
    for (const capacity of [1, 2, 7, 1000]) {
      const qd = os.queue({ capacity });
      const pushes = Array.from({ length: capacity + 2 }, () => os.push(qd, os.from("x"), PushFlag.FREE));
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
