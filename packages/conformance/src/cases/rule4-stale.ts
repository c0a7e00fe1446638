import assert from "node:assert/strict";
import { type LibOS, PushFlag, type QueueDescriptor, type QueueToken, type Sga } from "@demikernel/core";
import { group } from "../case.js";
import { listener, needsOf } from "../channels.js";
import { assertCode, assertThrows, outcome, thrown } from "../failures.js";
import { assertIdle, completion, popMessage, popOnce, pushBytes, sgaOf } from "../turns.js";

const nonsense = [
  0,
  -1,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 31,
  -(2 ** 31),
  0x3fffffff,
  0x7fffffff,
  12345678,
];

/** Every call that takes a queue descriptor, with other arguments that are right. */
function calls(os: LibOS): Record<string, (qd: QueueDescriptor) => unknown> {
  const address = { host: "127.0.0.1", port: 1 };
  return {
    bind: (qd) => os.bind(qd, address),
    listen: (qd) => os.listen(qd),
    getsockname: (qd) => os.getsockname(qd),
    getpeername: (qd) => os.getpeername(qd),
    setsockopt: (qd) => os.setsockopt(qd, "nodelay", true),
    getsockopt: (qd) => os.getsockopt(qd, "nodelay"),
    lseek: (qd) => os.lseek(qd, 0),
    truncate: (qd) => os.truncate(qd, 0),
    close: (qd) => os.close(qd),
  };
}

/** Rule 4, continued: a stale token, a closed qd, a freed sga is an error with a code, never somebody else's operation. */
export const stale = group("rule 4: stale handles", { on: "runtime" }, (test) => {
  test("control calls on a closed queue are EBADF", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    os.close(qd);
    for (const [name, call] of Object.entries(calls(os))) {
      const error = thrown(() => call(qd));
      assert.equal(error.code, "EBADF", name);
      assert.equal(error.qd, qd, name);
    }
  });

  test("control calls on what was never a queue are EBADF", async (ctx) => {
    const os = await ctx.open();
    for (const qd of nonsense as QueueDescriptor[]) {
      for (const [name, call] of Object.entries(calls(os)))
        assert.equal(thrown(() => call(qd)).code, "EBADF", `${name}(${qd})`);
    }
  });

  test("operations on a closed queue are EBADF and take no memory", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    os.close(qd);
    const sga = os.sga.from("mine");
    for (const bad of [qd, ...(nonsense as QueueDescriptor[])]) {
      assert.equal(await outcome(ctx, os, () => os.pop(bad)), "EBADF", `pop(${bad})`);
      assert.equal(await outcome(ctx, os, () => os.push(bad, sga)), "EBADF", `push(${bad})`);
      assert.equal(
        await outcome(ctx, os, () => os.pushTo(bad, sga, { host: "127.0.0.1", port: 9 })),
        "EBADF",
        `pushTo(${bad})`,
      );
      assert.equal(await outcome(ctx, os, () => os.accept(bad)), "EBADF", `accept(${bad})`);
      assert.equal(
        await outcome(ctx, os, () => os.connect(bad, { host: "127.0.0.1", port: 9 })),
        "EBADF",
        `connect(${bad})`,
      );
    }
    assert.equal(os.sga.copy(sga).toString(), "mine");
    os.free(sga);
    await assertIdle(ctx, os);
  });

  test("a token is handed out once; afterwards it is EINVAL", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const push = os.push(qd, os.sga.from("x"), PushFlag.FREE);
    assert.equal((await completion(ctx, os, push)).result, 1);
    for (const call of [
      () => os.poll(push),
      () => os.wait(push, 10),
      () => os.waitAny([push], 10),
      () => os.waitAll([push], 10),
      () => os.cancel(push),
      () => os.drop(push),
    ]) {
      assertThrows("EINVAL", call);
    }
  });

  test("what was never a token is EINVAL", async (ctx) => {
    const os = await ctx.open();
    for (const qt of nonsense as QueueToken[]) {
      for (const call of [
        () => os.poll(qt),
        () => os.wait(qt, 10),
        () => os.waitAny([qt], 10),
        () => os.waitAll([qt], 10),
        () => os.cancel(qt),
        () => os.drop(qt),
      ]) {
        assert.equal(thrown(call).code, "EINVAL", `${qt}`);
      }
    }
  });

  test("a list with one stale token waits for none of them", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const gone = os.push(qd, os.sga.from("x"), PushFlag.FREE);
    await completion(ctx, os, gone);
    const good = os.push(qd, os.sga.from("y"), PushFlag.FREE);
    assertThrows("EINVAL", () => os.waitAll([good, gone], 10));
    assert.equal((await completion(ctx, os, good)).result, 1, "the good token was not used up");
  });

  test("a freed sga is EINVAL everywhere, a double free too", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const sga = os.sga.from("gone");
    os.free(sga);
    for (const bad of [sga, ...(nonsense as Sga[])]) {
      for (const [name, call] of Object.entries({
        free: () => os.free(bad),
        length: () => os.sga.length(bad),
        segments: () => os.sga.segments(bad),
        bytes: () => os.sga.bytes(bad),
        trim: () => os.sga.trim(bad, 0, 1),
        address: () => os.sga.address(bad),
        copy: () => os.sga.copy(bad),
      })) {
        assert.equal(thrown(call).code, "EINVAL", `${name}(${bad})`);
      }
      assert.equal(await outcome(ctx, os, () => os.push(qd, bad)), "EINVAL", `push(${bad})`);
      assert.equal(await outcome(ctx, os, () => os.push(qd, bad, PushFlag.FREE)), "EINVAL", `push(${bad}, FREE)`);
    }
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("a later segment's own handle names no sga", async (ctx) => {
    const os = await ctx.open();
    // Handles are numbers: those around a valid one must not open a door to its neighbours.
    const sga = os.alloc([64, 64, 64]);
    for (let delta = -3; delta <= 3; delta++) {
      if (delta !== 0) assertCode(thrown(() => os.free((sga + delta) as Sga)).code, "EINVAL");
    }
    assert.equal(os.sga.segments(sga), 3);
    os.free(sga);
    await assertIdle(ctx, os);
  });

  test("descriptors are used again, but never under an old name", async (ctx) => {
    const os = await ctx.open();
    const seen = new Set<number>();
    let old = 0 as QueueDescriptor;
    for (let i = 0; i < 5000; i++) {
      const qd = os.queue();
      assert.ok(qd > 0 && !seen.has(qd), `descriptor ${qd} came twice`);
      seen.add(qd);
      if (i % 100 === 0) {
        await pushBytes(ctx, os, qd, "for the new one only");
        if (old !== 0) assert.equal(await outcome(ctx, os, () => os.pop(old)), "EBADF");
        assert.equal((await popMessage(ctx, os, qd)).toString(), "for the new one only");
      }
      old = qd;
      os.close(qd);
    }
    await assertIdle(ctx, os);
  });

  test("sgas are used again, but never under an old name", async (ctx) => {
    const os = await ctx.open();
    const seen = new Set<number>();
    for (let i = 0; i < 2000; i++) {
      const sga = os.alloc(64);
      assert.ok(sga > 0 && !seen.has(sga), `sga ${sga} came twice`);
      seen.add(sga);
      os.free(sga);
      assertThrows("EINVAL", () => os.sga.bytes(sga));
    }
  });

  test("tokens are used again, but never under an old name", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const seen = new Set<number>();
    for (let i = 0; i < 5000; i++) {
      for (const qt of [os.push(qd, os.sga.from("x"), PushFlag.FREE), os.pop(qd)]) {
        assert.ok(qt > 0 && !seen.has(qt), `token ${qt} came twice`);
        seen.add(qt);
        const sga = sgaOf(os.wait(qt, ctx.remaining()));
        if (sga !== 0) os.free(sga);
      }
    }
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test(
    "a connection's old descriptor never reaches the next one",
    async (ctx) => {
      const os = await ctx.open();
      const server = listener(ctx, os);
      let old = 0 as QueueDescriptor;
      for (let i = 0; i < 50; i++) {
        const accepting = os.accept(server.qd);
        const client = os.socket("tcp");
        assert.equal((await completion(ctx, os, os.connect(client, server))).result, 0);
        const { newQd } = await completion(ctx, os, accepting);
        await pushBytes(ctx, os, client, `${i}`);
        if (old !== 0) assert.equal(await outcome(ctx, os, () => os.pop(old)), "EBADF");
        const done = await popOnce(ctx, os, newQd);
        assert.equal(os.sga.copy(done.sga).toString(), `${i}`);
        os.free(done.sga);
        old = newQd;
        os.close(client);
        os.close(newQd);
      }
      os.close(server.qd);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp") },
  );
});
