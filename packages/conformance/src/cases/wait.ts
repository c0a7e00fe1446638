import assert from "node:assert/strict";
import { Opcode, PushFlag } from "@demikernel/core";
import { group } from "../case.js";
import { connectedPair, listener, needsOf } from "../channels.js";
import { assertFailed, assertThrows } from "../failures.js";
import { assertIdle, closeAll, pushBytes, take } from "../turns.js";

export const waiting = group("wait", { on: "runtime" }, (test) => {
  test("poll does not block: undefined before, once a completion, EINVAL afterwards", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const pop = os.pop(qd);
    for (let i = 0; i < 3; i++) assert.equal(os.poll(pop), undefined);
    os.push(qd, os.sga.from("now"), PushFlag.FREE | PushFlag.QUIET);
    let done = os.poll(pop);
    while (done === undefined) {
      ctx.check("the pop");
      done = os.poll(pop);
    }
    assert.deepEqual({ ...done, sga: 0 }, { opcode: Opcode.POP, qd, qt: pop, result: 3, sga: 0, newQd: 0 });
    assert.equal(take(os, done.sga).toString(), "now");
    assertThrows("EINVAL", () => os.poll(pop));
  });

  test("wait returns what completed already, and what completes while it waits", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const push = os.push(qd, os.sga.from("12345"), PushFlag.FREE);
    const pop = os.pop(qd);
    assert.equal(take(os, os.wait(pop, ctx.remaining()).sga).toString(), "12345");
    assert.equal(os.wait(push, ctx.remaining()).result, 5);
  });

  test("a wait that times out says ETIMEDOUT, not before its time, and leaves the token valid", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const pops = [os.pop(qd), os.pop(qd)];
    for (const [timeout, call] of [
      [30, (t: number) => os.wait(pops[0], t)],
      [30, (t: number) => os.waitAny(pops, t)],
      [30, (t: number) => os.waitAll(pops, t)],
      [30, (t: number) => os.waitNext(4, t)],
      [0, (t: number) => os.wait(pops[0], t)],
      [0, (t: number) => os.waitAny(pops, t)],
    ] as const) {
      const start = performance.now();
      assertThrows("ETIMEDOUT", () => call(timeout));
      const waited = performance.now() - start;
      assert.ok(waited >= timeout - 1, `waited ${waited} ms of ${timeout}`);
      assert.ok(waited < timeout + ctx.scaled(1000), `waited ${waited} ms of ${timeout}`);
    }
    await pushBytes(ctx, os, qd, "first");
    await pushBytes(ctx, os, qd, "second");
    assert.deepEqual(
      os.waitAll(pops, ctx.remaining()).map((done) => take(os, done.sga).toString()),
      ["first", "second"],
    );
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("a timeout that is none is EINVAL", async (ctx) => {
    const os = await ctx.open();
    const pop = os.pop(os.queue());
    for (const timeout of [-1, Number.NaN]) {
      for (const call of [
        () => os.wait(pop, timeout),
        () => os.waitAny([pop], timeout),
        () => os.waitAll([pop], timeout),
        () => os.waitNext(1, timeout),
      ]) {
        assertThrows("EINVAL", call);
      }
    }
    assert.equal(os.poll(pop), undefined, "the token is still good");
  });

  test("waitAny returns one that is done, says which, and leaves the others", async (ctx) => {
    const os = await ctx.open();
    const queues = Array.from({ length: 5 }, () => os.queue());
    const pops = queues.map((qd) => os.pop(qd));
    await pushBytes(ctx, os, queues[3], "third");
    const done = os.waitAny(pops, ctx.remaining());
    assert.equal(done.index, 3);
    assert.equal(done.qt, pops[3]);
    assert.equal(done.qd, queues[3]);
    assert.equal(take(os, done.sga).toString(), "third");
    assertThrows("EINVAL", () => os.poll(pops[3]));
    await pushBytes(ctx, os, queues[0], "zero");
    const rest = pops.filter((_, i) => i !== 3);
    const second = os.waitAny(rest, ctx.remaining());
    assert.equal(second.index, 0);
    os.free(second.sga);
    for (const qd of queues) os.close(qd);
    for (const qt of rest.slice(1)) assertFailed(os.wait(qt, ctx.remaining()), "ECANCELED");
    await assertIdle(ctx, os);
  });

  test("waitAny is fair: a busy token does not starve its neighbours", async (ctx) => {
    const os = await ctx.open();
    const queues = Array.from({ length: 4 }, () => os.queue());
    for (const qd of queues)
      for (let i = 0; i < 200; i++) os.push(qd, os.sga.from("x"), PushFlag.FREE | PushFlag.QUIET);
    const served = queues.map(() => 0);
    const pops = queues.map((qd) => os.pop(qd));
    const idle = os.queue();
    const never = os.pop(idle);
    for (let i = 0; i < 200; i++) {
      // A turn of the device: every token is done when waitAny chooses.
      assert.equal(os.poll(never), undefined);
      const done = os.waitAny(pops, ctx.remaining());
      served[done.index]++;
      os.free(done.sga);
      pops[done.index] = os.pop(queues[done.index]);
    }
    assert.ok(
      served.every((count) => count >= 25),
      `served ${served.join(", ")} of 200`,
    );
    for (const qd of [...queues, idle]) os.close(qd);
    for (const done of os.waitAll([...pops, never], ctx.remaining())) if (done.sga !== 0) os.free(done.sga);
    await assertIdle(ctx, os);
  });

  test("waitAll returns every completion in the order asked for, failures among them", async (ctx) => {
    const os = await ctx.open();
    const [a, b, c] = [os.queue(), os.queue(), os.queue()];
    const pops = [os.pop(c), os.pop(a), os.pop(b)];
    await pushBytes(ctx, os, a, "A");
    await pushBytes(ctx, os, b, "B");
    os.close(c);
    const done = os.waitAll(pops, ctx.remaining());
    assert.deepEqual(
      done.map((each) => each.qt),
      pops,
    );
    assertFailed(done[0], "ECANCELED");
    assert.equal(take(os, done[1].sga).toString(), "A");
    assert.equal(take(os, done[2].sga).toString(), "B");
    assert.deepEqual(os.waitAll([], 0), []);
  });

  test("waitAll that times out has used up none", async (ctx) => {
    const os = await ctx.open();
    const [a, b] = [os.queue(), os.queue()];
    const pops = [os.pop(a), os.pop(b)];
    await pushBytes(ctx, os, a, "A");
    assertThrows("ETIMEDOUT", () => os.waitAll(pops, 20));
    await pushBytes(ctx, os, b, "B");
    assert.equal(
      os
        .waitAll(pops, ctx.remaining())
        .map((done) => take(os, done.sga).toString())
        .join(""),
      "AB",
    );
  });

  test("a token named twice in one waitAll is EINVAL", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const push = os.push(qd, os.sga.from("x"), PushFlag.FREE);
    assertThrows("EINVAL", () => os.waitAll([push, push], 20));
    assert.equal(os.wait(push, ctx.remaining()).result, 1);
  });

  test("waitNext returns up to max completions of any tokens, oldest first, each once", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const pushes = Array.from({ length: 10 }, () => os.push(qd, os.sga.from("x"), PushFlag.FREE));
    const seen: number[] = [];
    while (seen.length < 10) {
      const some = os.waitNext(4, ctx.remaining());
      assert.ok(some.length >= 1 && some.length <= 4);
      seen.push(...some.map((done) => done.qt));
    }
    assert.deepEqual(seen, pushes);
    assertThrows("ETIMEDOUT", () => os.waitNext(1, 10));
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("a completion goes to one taker only: wait, waitNext and turn do not share", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const pushes = Array.from({ length: 6 }, () => os.push(qd, os.sga.from("x"), PushFlag.FREE));
    assert.equal(os.wait(pushes[2], ctx.remaining()).result, 1);
    assert.equal(os.wait(pushes[4], ctx.remaining()).result, 1);
    assert.deepEqual(
      os.waitNext(2, ctx.remaining()).map((done) => done.qt),
      [pushes[0], pushes[1]],
    );
    const turned: number[] = [];
    os.turn((event) => turned.push(event.qt));
    assert.deepEqual(turned, [pushes[3], pushes[5]]);
  });

  test(
    "a blocking wait serves other queues of the libOS meanwhile",
    async (ctx) => {
      const os = await ctx.open();
      const [client, server] = await connectedPair(ctx, os);
      const size = 2 << 20;
      const push = os.push(client, os.alloc([1 << 20, 1 << 20]), PushFlag.FREE);
      let have = 0;
      // Waiting for pops only: the push must move along all the same.
      while (have < size) {
        const done = os.wait(os.pop(server), ctx.remaining());
        have += done.result;
        os.free(done.sga);
      }
      assert.equal(os.wait(push, ctx.remaining()).result, size);
      await closeAll(ctx, os, [client, server]);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "accept, connect, push and pop can all be waited for on one thread",
    async (ctx) => {
      const os = await ctx.open();
      const server = listener(ctx, os);
      const accepting = os.accept(server.qd);
      const client = os.socket("tcp");
      const connecting = os.connect(client, server);
      const [accepted, connected] = os.waitAll([accepting, connecting], ctx.remaining());
      assert.equal(connected.result, 0);
      assert.equal(accepted.opcode, Opcode.ACCEPT);
      const echo = os.pop(accepted.newQd);
      os.wait(os.push(client, os.sga.from("ping"), PushFlag.FREE), ctx.remaining());
      assert.equal(take(os, os.wait(echo, ctx.remaining()).sga).toString(), "ping");
      await closeAll(ctx, os, [server.qd, client, accepted.newQd]);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "a blocking wait wakes in time for data that comes from elsewhere",
    async (ctx) => {
      const os = await ctx.open();
      const [client, server] = await connectedPair(ctx, os);
      const pop = os.pop(server);
      assertThrows("ETIMEDOUT", () => os.wait(pop, 50));
      os.push(client, os.sga.from("x"), PushFlag.FREE | PushFlag.QUIET);
      const start = performance.now();
      os.free(os.wait(pop, ctx.remaining()).sga);
      assert.ok(performance.now() - start < ctx.scaled(500), "within half a second of the push");
      await closeAll(ctx, os, [client, server]);
    },
    { needs: needsOf("tcp") },
  );
});
