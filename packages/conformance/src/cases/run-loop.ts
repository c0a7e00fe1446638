import assert from "node:assert/strict";
import { Opcode, PushFlag } from "@demikernel/core";
import { group } from "../case.js";
import { connectedPair, needsOf } from "../channels.js";
import { assertRejects } from "../failures.js";
import { assertIdle, collect, completion, sgaOf, snapshot, take, turn, until } from "../turns.js";

export const runLoop = group("run, stop, turn", { on: "runtime" }, (test) => {
  test("run serves completions until stop", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    let count = 0;
    os.pop(qd);
    os.push(qd, os.sga.from("ball"), PushFlag.FREE | PushFlag.QUIET);
    await os.run((event) => {
      assert.equal(event.opcode, Opcode.POP);
      if (++count === 1000) {
        os.free(event.sga);
        os.stop();
        return;
      }
      os.push(qd, event.sga, PushFlag.FREE | PushFlag.QUIET);
      os.pop(qd);
    });
    assert.equal(count, 1000);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("run hands out what completed before it, and turn what run left", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const pushes = Array.from({ length: 10 }, () => os.push(qd, os.sga.from("x"), PushFlag.FREE));
    assert.equal((await completion(ctx, os, pushes[9])).result, 1);
    const seen: number[] = [];
    await os.run((event) => {
      seen.push(event.qt);
      if (seen.length === 4) os.stop();
    });
    seen.push(...(await collect(ctx, os, 9 - seen.length)).map((event) => event.qt));
    assert.deepEqual(seen, pushes.slice(0, 9));
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("stop ends run and can be followed by another run", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    for (let round = 0; round < 5; round++) {
      const running = os.run((event) => {
        assert.equal(take(os, sgaOf(event)).toString(), `round ${round}`);
        os.stop();
      });
      os.pop(qd);
      os.push(qd, os.sga.from(`round ${round}`), PushFlag.FREE | PushFlag.QUIET);
      await running;
    }
    os.stop();
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("a second run at the same time is EBUSY; a handler that is none is EINVAL", async (ctx) => {
    const os = await ctx.open();
    os.pop(os.queue());
    const running = os.run(() => undefined);
    await assertRejects(
      "EBUSY",
      Promise.resolve().then(() => os.run(() => undefined)),
    );
    os.stop();
    await running;
    await assertRejects(
      "EINVAL",
      Promise.resolve().then(() => os.run(undefined as never)),
    );
  });

  test("a handler that throws ends run with its error; no completion is lost", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const pushes = Array.from({ length: 20 }, () => os.push(qd, os.sga.from("x"), PushFlag.FREE));
    const oops = new Error("in the handler");
    const seen: number[] = [];
    const running = os.run((event) => {
      seen.push(event.qt);
      if (seen.length === 5) throw oops;
    });
    await assert.rejects(running, (error) => error === oops);
    seen.push(...(await collect(ctx, os, 15)).map((event) => event.qt));
    assert.deepEqual(seen, pushes);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("a handler that throws in turn: the error comes out, no completion is lost", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const pushes = Array.from({ length: 20 }, () => os.push(qd, os.sga.from("x"), PushFlag.FREE));
    const oops = new Error("in the handler");
    const seen: number[] = [];
    assert.throws(
      () => {
        for (;;) {
          os.turn((event) => {
            seen.push(event.qt);
            if (seen.length === 5) throw oops;
          });
          ctx.check("the fifth completion");
        }
      },
      (error) => error === oops,
    );
    seen.push(...(await collect(ctx, os, 15)).map((event) => event.qt));
    assert.deepEqual(seen, pushes);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("the view a handler gets shows each completion in full", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const push = os.push(qd, os.sga.from("view"), PushFlag.FREE);
    const pop = os.pop(qd);
    const events = await collect(ctx, os, 2);
    const sga = sgaOf(events[1]);
    assert.deepEqual(events, [
      { opcode: Opcode.PUSH, qd, qt: push, result: 4, sga: 0, newQd: 0 },
      { opcode: Opcode.POP, qd, qt: pop, result: 4, sga, newQd: 0 },
    ]);
    assert.equal(take(os, sga).toString(), "view");
  });

  test("turn returns how many completed, and waits in the device when asked to", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    os.pop(qd);
    const start = performance.now();
    assert.equal(
      os.turn(() => assert.fail("nothing completes"), 20),
      0,
    );
    assert.ok(performance.now() - start < ctx.scaled(1000), "the wait is bounded");
    os.push(qd, os.sga.from("x"), PushFlag.FREE);
    let count = 0;
    let called = 0;
    while (count < 2) {
      ctx.check("two completions");
      count += os.turn((event) => {
        called++;
        if (sgaOf(event) !== 0) os.free(sgaOf(event));
      }, 5);
    }
    assert.equal(count, 2);
    assert.equal(called, 2);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("a handler may start, cancel, close and free as it likes", async (ctx) => {
    const os = await ctx.open();
    const [a, b] = [os.queue(), os.queue()];
    const log: string[] = [];
    const onA = os.pop(a);
    const onB = os.pop(b);
    const last = os.pop(a);
    os.push(a, os.sga.from("go"), PushFlag.FREE | PushFlag.QUIET);
    await os.run((event) => {
      if (event.qt === onA) {
        log.push("popped");
        os.free(sgaOf(event));
        assert.equal(os.cancel(onB), true);
      } else if (event.qt === onB) {
        log.push("cancelled");
        os.close(a);
      } else if (event.qt === last) {
        log.push("closed");
        os.close(b);
        os.stop();
      }
    });
    assert.deepEqual(log, ["popped", "cancelled", "closed"]);
    await assertIdle(ctx, os);
  });

  test("run and promises share the loop: each completion goes to who asked for it", async (ctx) => {
    const os = await ctx.open();
    const [mine, theirs] = [os.queue(), os.queue()];
    const handled: number[] = [];
    const running = os.run((event) => {
      handled.push(snapshot(event).qt);
      if (sgaOf(event) !== 0) os.free(sgaOf(event));
    });
    for (let i = 0; i < 20; i++) {
      const promised = os.async.pop(theirs);
      const token = os.pop(mine);
      os.push(theirs, os.sga.from("promise"), PushFlag.FREE | PushFlag.QUIET);
      os.push(mine, os.sga.from("handler"), PushFlag.FREE | PushFlag.QUIET);
      assert.equal(take(os, await promised).toString(), "promise");
      await until(ctx, "the handler", () => handled.length === i + 1);
      assert.equal(handled[i], token);
    }
    os.stop();
    await running;
    os.close(mine);
    os.close(theirs);
    await assertIdle(ctx, os);
  });

  test(
    "an echo server in run, a client over promises",
    async (ctx) => {
      const os = await ctx.open();
      const [client, server] = await connectedPair(ctx, os);
      os.pop(server);
      const running = os.run((event) => {
        if (event.opcode !== Opcode.POP) return;
        if (event.result <= 0) return os.stop();
        os.push(event.qd, event.sga, PushFlag.FREE | PushFlag.QUIET);
        os.pop(event.qd);
      });
      for (let i = 0; i < 100; i++) {
        const text = `${i}`.padStart(5);
        await os.async.push(client, os.sga.from(text), { free: true });
        let echoed = "";
        while (echoed.length < 5) echoed += take(os, await os.async.pop(client)).toString();
        assert.equal(echoed, text);
      }
      os.close(client);
      await running;
      os.close(server);
      await turn();
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp") },
  );
});
