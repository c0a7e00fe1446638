import assert from "node:assert/strict";
import { type LibOS, PushFlag, type QueueDescriptor, type Sga } from "@demikernel/core";
import { type CaseContext, group } from "../case.js";
import { assertIdle, collect, sgaOf, turn } from "../turns.js";

/** Completions of a batch that a handler was not given go to the next one: none is lost, and none comes twice. */
export const handlerFaults = group("a handler that stops or throws", { on: "runtime" }, (test) => {
  /** Pops of `count` messages, all of which have come. */
  async function batch(ctx: CaseContext, os: LibOS, count: number): Promise<QueueDescriptor> {
    const qd = os.queue();
    for (let i = 0; i < count; i++) {
      os.push(qd, os.sga.from(`${i}`), PushFlag.FREE | PushFlag.QUIET);
      os.pop(qd);
    }
    ctx.defer(() => (os.closed ? undefined : os.stop()));
    return qd;
  }

  test("stop() is the end of the batch: what follows is kept for the next run", async (ctx) => {
    const os = await ctx.open();
    const qd = await batch(ctx, os, 5);
    const seen: string[] = [];
    for (let runs = 1; runs <= 5; runs++) {
      await os.run((event) => {
        seen.push(os.sga.copy(sgaOf(event)).toString());
        os.free(sgaOf(event));
        os.stop();
      });
      assert.equal(seen.length, runs, "one call a run");
    }
    assert.equal(seen.join(""), "01234");
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("stop() and then another call in the same handler: still its last", async (ctx) => {
    const os = await ctx.open();
    const qd = await batch(ctx, os, 8);
    const other = os.queue();
    let calls = 0;
    await os.run((event) => {
      calls++;
      os.free(sgaOf(event));
      os.stop();
      // Hands over submissions, and gives out completions to nobody.
      os.close(other);
      assert.equal(os.poll(os.push(qd, os.sga.from("more"), PushFlag.FREE))?.result, 4);
      os.stats();
    });
    assert.equal(calls, 1);
    for (const event of await collect(ctx, os, 7)) os.free(sgaOf(event));
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("a run started in the handler that stopped the last one gets the rest of its batch", async (ctx) => {
    const os = await ctx.open();
    const qd = await batch(ctx, os, 6);
    const seen: string[] = [];
    let second: Promise<void> | undefined;
    await os.run((event) => {
      seen.push(`first ${os.sga.copy(sgaOf(event))}`);
      os.free(sgaOf(event));
      os.stop();
      second = os.run((next) => {
        seen.push(`second ${os.sga.copy(sgaOf(next))}`);
        os.free(sgaOf(next));
        if (seen.length === 6) os.stop();
      });
    });
    await second;
    assert.deepEqual(seen, ["first 0", ...[1, 2, 3, 4, 5].map((i) => `second ${i}`)]);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("promises in the same batch as the completion that stopped the run are settled all the same", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const app = os.pop(qd);
    const promised = [os.async.pop(qd), os.async.pop(qd)];
    const running = os.run((event) => {
      assert.equal(event.qt, app);
      os.free(sgaOf(event));
      os.stop();
    });
    for (let i = 0; i < 3; i++) os.push(qd, os.sga.from(`${i}`), PushFlag.FREE | PushFlag.QUIET);
    await running;
    for (const [i, sga] of (await Promise.all(promised)).entries()) {
      assert.equal(os.sga.copy(sga).toString(), `${i + 1}`);
      os.free(sga);
    }
    os.close(qd);
    await assertIdle(ctx, os);
  });

  for (const loop of ["adaptive", "interrupt"] as const) {
    test(
      `a handler throws at what came before a promise's, and hands nothing back: the promise is settled: ${loop}`,
      async (ctx) => {
        const os = await ctx.open({ loop });
        const qd = os.queue();
        os.pop(qd);
        const promised = os.async.pop(qd);
        let held: Sga | 0 = 0;
        const running = os.run((event) => {
          held = sgaOf(event);
          throw new Error("of the handler");
        });
        for (let i = 0; i < 2; i++) os.push(qd, os.sga.from(`${i}`), PushFlag.FREE | PushFlag.QUIET);
        await assert.rejects(running, /of the handler/);
        const sga = await promised;
        assert.equal(os.sga.copy(sga).toString(), "1");
        // The same by turn(), while the loop sleeps for a promise.
        const next = os.async.pop(qd);
        await turn();
        await turn();
        os.pop(qd);
        os.cancel(os.pop(qd));
        assert.throws(() =>
          os.turn(() => {
            throw new Error("of the handler");
          }),
        );
        os.push(qd, os.sga.from("2"), PushFlag.FREE | PushFlag.QUIET);
        os.free(await next);
        os.free(sga);
        os.free(held as Sga);
        os.close(qd);
        os.turn(() => undefined);
      },
      { own: true },
    );
  }

  test("whatever a handler throws, run() rejects with it", async (ctx) => {
    const os = await ctx.open();
    for (const thrown of [undefined, null, 0, "", new Error("an error")]) {
      const qd = await batch(ctx, os, 1);
      const outcome = await os
        .run((event) => {
          os.free(sgaOf(event));
          throw thrown;
        })
        .then(
          () => "resolved",
          (error) => ({ error }),
        );
      assert.deepEqual(outcome, { error: thrown });
      os.close(qd);
    }
    await assertIdle(ctx, os);
  });

  const derived: Record<string, (os: LibOS, source: QueueDescriptor, more: QueueDescriptor[]) => QueueDescriptor> = {
    filter: (os, source) => os.filter(source, () => true),
    map: (os, source) => os.map(source, (sga) => sga),
    merge: (os, source, more) => {
      more.push(os.queue());
      return os.merge(source, more[more.length - 1] as QueueDescriptor);
    },
    sort: (os, source) => os.sort(source, () => 0),
    "a map of a filter of a merge": (os, source, more) => {
      const merged = derived.merge?.(os, source, more) as QueueDescriptor;
      const filtered = os.filter(merged, () => true);
      more.push(merged, filtered);
      return os.map(filtered, (sga) => sga);
    },
    "what a pipe fills": (os, source, more) => {
      const sink = os.queue();
      more.push(os.qconnect(source, sink), sink);
      return os.filter(sink, () => true);
    },
  };
  for (const [name, make] of Object.entries(derived)) {
    for (const end of ["throw", "stop"] as const) {
      test(`${end} at each completion of ${name}: all of them are seen, once`, async (ctx) => {
        const os = await ctx.open();
        const source = os.queue();
        const more: QueueDescriptor[] = [];
        const qd = make(os, source, more);
        const pops = Array.from({ length: 7 }, () => os.pop(qd));
        for (let i = 0; i < pops.length; i++) os.push(source, os.sga.from(`${i}`), PushFlag.FREE | PushFlag.QUIET);
        const seen: number[] = [];
        const oops = new Error("in the handler");
        while (seen.length < pops.length) {
          const before = seen.length;
          const running = os.run((event) => {
            seen.push(event.qt);
            os.free(sgaOf(event));
            if (end === "throw") throw oops;
            os.stop();
          });
          if (end === "throw") await assert.rejects(running, (error) => error === oops);
          else await running;
          assert.equal(seen.length, before + 1, "one call a run");
          ctx.check(`${pops.length} completions, ${seen.length} so far`);
        }
        assert.deepEqual(seen, pops);
        os.close(qd);
        for (const extra of more.reverse()) os.close(extra);
        os.close(source);
        for (let i = 0; i < 3; i++) await turn();
        await assertIdle(ctx, os);
      });
    }
  }

  test("throws and stops at random among queues and derived queues: every completion once", async (ctx) => {
    const os = await ctx.open();
    const source = os.queue();
    const qds = [source, os.filter(source, () => true), os.map(source, (sga) => sga)];
    const pending = new Set<number>();
    let pushed = 0;
    let popped = 0;
    const total = 2000;
    const oops = new Error("in the handler");
    while (popped < total) {
      for (let i = Math.min(Math.floor(ctx.random() * 12), total - pushed); i > 0; i--, pushed++) {
        pending.add(os.pop(qds[Math.floor(ctx.random() * qds.length)] as QueueDescriptor));
        os.push(source, os.sga.from("m"), PushFlag.FREE | PushFlag.QUIET);
      }
      if (pending.size === 0) continue;
      const running = os.run((event) => {
        assert.ok(pending.delete(event.qt), "a completion comes once");
        assert.equal(event.result, 1);
        os.free(sgaOf(event));
        popped++;
        const what = ctx.random();
        if (what < 0.1) throw oops;
        if (what < 0.2 || pending.size === 0) os.stop();
      });
      await running.catch((error) => assert.equal(error, oops));
      ctx.check(`${total} completions, ${popped} so far`);
    }
    for (const qd of qds.reverse()) os.close(qd);
    await assertIdle(ctx, os);
  });

  test(
    "destroy() in a handler is its last call",
    async (ctx) => {
      const os = await ctx.open({});
      await batch(ctx, os, 4);
      const qd = os.filter(os.queue(), () => true);
      os.pop(qd);
      os.close(qd); // a completion of a derived queue in the same batch
      let calls = 0;
      await os.run(() => {
        calls++;
        os.destroy();
      });
      await turn();
      assert.equal(calls, 1);
    },
    { own: true },
  );
});
