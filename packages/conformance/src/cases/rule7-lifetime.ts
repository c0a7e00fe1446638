import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { PushFlag } from "@demikernel/core";
import { group } from "../case.js";
import { channelKinds, connectedPair, listener, needsOf, openChannel } from "../channels.js";
import { assertRejects, thrown } from "../failures.js";
import { assertIdle, completion, popMessage, pushBytes, turn, until } from "../turns.js";

/** Rule 7: a libOS belongs to one thread, shares nothing, and its end is the end of everything it held. */
export const lifetime = group("rule 7: lifetime", { own: true }, (test) => {
  test("a fresh libOS holds nothing", async (ctx) => {
    const os = await ctx.open();
    assert.equal(os.closed, false);
    assert.equal(typeof os.name, "string");
    assert.equal(typeof os.engine, "string");
    await assertIdle(ctx, os);
  });

  test(
    "destroy is idempotent, and every later call is EBADF",
    async (ctx) => {
      const os = await ctx.open();
      const qd = os.queue();
      const sga = os.sga.from("gone with it");
      const qt = os.pop(qd);
      os.destroy();
      assert.equal(os.closed, true);
      os.destroy();
      os.stop();
      const to = { host: "127.0.0.1", port: 9 };
      for (const [name, call] of Object.entries({
        queue: () => os.queue(),
        socket: () => os.socket("tcp"),
        open: () => os.open("/dev/null"),
        creat: () => os.creat("/dev/null"),
        unlink: () => os.unlink("/dev/null"),
        bind: () => os.bind(qd, to),
        listen: () => os.listen(qd),
        getsockname: () => os.getsockname(qd),
        getpeername: () => os.getpeername(qd),
        setsockopt: () => os.setsockopt(qd, "nodelay", true),
        getsockopt: () => os.getsockopt(qd, "nodelay"),
        lseek: () => os.lseek(qd, 0),
        truncate: () => os.truncate(qd, 0),
        close: () => os.close(qd),
        accept: () => os.accept(qd),
        connect: () => os.connect(qd, to),
        push: () => os.push(qd, sga),
        pushTo: () => os.pushTo(qd, sga, to),
        pop: () => os.pop(qd),
        alloc: () => os.alloc(64),
        from: () => os.sga.from("x"),
        free: () => os.free(sga),
        length: () => os.sga.length(sga),
        segments: () => os.sga.segments(sga),
        bytes: () => os.sga.bytes(sga),
        trim: () => os.sga.trim(sga, 0, 1),
        address: () => os.sga.address(sga),
        copy: () => os.sga.copy(sga),
        poll: () => os.poll(qt),
        wait: () => os.wait(qt, 10),
        waitAny: () => os.waitAny([qt], 10),
        waitAll: () => os.waitAll([qt], 10),
        waitNext: () => os.waitNext(1, 10),
        cancel: () => os.cancel(qt),
        drop: () => os.drop(qt),
        merge: () => os.merge(qd, qd),
        filter: () => os.filter(qd, () => true),
        map: () => os.map(qd, (each) => each),
        sort: () => os.sort(qd, () => 0),
        qconnect: () => os.qconnect(qd, qd),
        turn: () => os.turn(() => undefined),
        stats: () => os.stats(),
      })) {
        assert.equal(thrown(call).code, "EBADF", name);
      }
      for (const start of [
        () => os.run(() => undefined),
        () => os.async.pop(qd),
        () => os.async.push(qd, sga),
        () => os.async.pushTo(qd, sga, to),
        () => os.async.accept(qd),
        () => os.async.connect(qd, to),
        () => os.async.wait(qt),
      ]) {
        await assertRejects("EBADF", (async () => void (await start()))());
      }
      for await (const _ of os.async.messages(qd)) assert.fail("a message out of nothing");
      for await (const _ of os.async.connections(qd)) assert.fail("a connection out of nothing");
    },
    { on: "runtime" },
  );

  test("views held beyond destroy are harmless", async (ctx) => {
    const os = await ctx.open();
    const held = Array.from({ length: 20 }, (_, i) => os.sga.bytes(os.alloc(64 << (i % 8))));
    for (const view of held) view.fill(1);
    os.destroy();
    for (let round = 0; round < 5; round++) {
      for (const view of held) {
        if (view.length > 0) view.fill(2);
        assert.ok(view.length === 0 || view[0] === 2, "detached, or memory that is still there");
      }
      await turn();
    }
  });

  for (const kind of channelKinds) {
    test(
      `destroy ends everything that is pending: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const channel = await openChannel(ctx, os, kind);
        const pops = Array.from({ length: 5 }, () => os.async.pop(channel.from));
        const settled = Promise.allSettled(pops);
        os.pop(channel.from);
        await turn();
        for (let i = 0; i < 3; i++) os.push(channel.to, os.alloc(1000));
        os.destroy();
        for (const result of await settled) {
          if (result.status === "rejected") assert.equal((result.reason as { code: string }).code, "ECANCELED");
        }
        assert.equal((await settled)[4].status, "rejected", "five pops, three messages");
      },
      kind === "memory" ? { on: "runtime" } : { needs: needsOf(kind), device: kind === "tcp" },
    );
  }

  test(
    "destroy ends what waits for connections",
    async (ctx) => {
      const os = await ctx.open();
      const server = listener(ctx, os);
      const accepting = assertRejects("ECANCELED", os.async.accept(server.qd));
      await turn();
      os.destroy();
      await accepting;
    },
    { needs: needsOf("tcp"), device: true },
  );

  test(
    "destroy resolves run()",
    async (ctx) => {
      const os = await ctx.open();
      const qd = os.queue();
      os.pop(qd);
      const running = os.run(() => assert.fail("nothing completes"));
      await turn();
      os.destroy();
      await running;
    },
    { on: "runtime" },
  );

  test(
    "destroy from inside a handler ends the loop, in the middle of a batch",
    async (ctx) => {
      const os = await ctx.open();
      const qd = os.queue();
      for (let i = 0; i < 10; i++) os.push(qd, os.sga.from("x"), PushFlag.FREE);
      let calls = 0;
      await os.run(() => {
        calls++;
        os.destroy();
      });
      assert.equal(calls, 1);
      assert.equal(os.closed, true);
    },
    { on: "runtime" },
  );

  test(
    "destroy from inside turn",
    async (ctx) => {
      const os = await ctx.open();
      const qd = os.queue();
      for (let i = 0; i < 10; i++) os.push(qd, os.sga.from("x"), PushFlag.FREE);
      let calls = 0;
      os.turn(() => {
        calls++;
        os.destroy();
      });
      assert.equal(calls, 1);
    },
    { on: "runtime" },
  );

  test(
    "a second libOS opens or, where the backend offers one in a process, is EBUSY until the first is gone",
    async (ctx) => {
      const several = ctx.target.features.several ?? true;
      const first = await ctx.open();
      if (several) (await ctx.open()).destroy();
      else for (let i = 0; i < 3; i++) await assertRejects("EBUSY", ctx.open());
      const qd = first.queue();
      await pushBytes(ctx, first, qd, "not disturbed");
      assert.equal((await popMessage(ctx, first, qd)).toString(), "not disturbed");
      first.destroy();
      const next = await ctx.open();
      await assertIdle(ctx, next);
    },
    { device: true },
  );

  test(
    "two libOSes on one thread do not disturb one another",
    async (ctx) => {
      const [a, b] = [await ctx.open(), await ctx.open()];
      const [qa, qb] = [a.queue(), b.queue()];
      for (let i = 0; i < 100; i++) {
        await pushBytes(ctx, a, qa, `a${i}`);
        await pushBytes(ctx, b, qb, `b${i}`);
      }
      for (let i = 0; i < 50; i++) assert.equal((await popMessage(ctx, a, qa)).toString(), `a${i}`);
      for (let i = 0; i < 50; i++) assert.equal((await popMessage(ctx, b, qb)).toString(), `b${i}`);
      const waiting = b.queue();
      const pop = b.pop(waiting);
      a.destroy();
      for (let i = 50; i < 100; i++) assert.equal((await popMessage(ctx, b, qb)).toString(), `b${i}`);
      await pushBytes(ctx, b, waiting, "still here");
      b.free((await completion(ctx, b, pop)).sga);
      b.close(qb);
      b.close(waiting);
      await assertIdle(ctx, b);
    },
    { needs: ["several"] },
  );

  test(
    "two libOSes talk to one another",
    async (ctx) => {
      const [a, b] = [await ctx.open(), await ctx.open()];
      const server = listener(ctx, a);
      const accepting = a.accept(server.qd);
      a.poll(accepting);
      const client = b.socket("tcp");
      assert.equal((await completion(ctx, b, b.connect(client, server))).result, 0);
      const { newQd } = await completion(ctx, a, accepting);
      await pushBytes(ctx, b, client, "from b");
      assert.equal((await popMessage(ctx, a, newQd)).toString(), "from b");
      await pushBytes(ctx, a, newQd, "from a");
      assert.equal((await popMessage(ctx, b, client)).toString(), "from a");
      b.destroy();
      assert.ok((await completion(ctx, a, a.pop(newQd))).result <= 0, "the end of b is the end of its connections");
    },
    { needs: ["tcp", "several"], device: true },
  );

  test(
    "libOSes one after another leave no descriptor behind",
    async (ctx) => {
      const open = () => readdirSync("/proc/self/fd").length;
      const use = async () => {
        const os = await ctx.target.open({});
        const qd = os.queue();
        os.push(qd, os.sga.from("x"), PushFlag.FREE);
        os.pop(qd);
        if (ctx.target.features.tcp) {
          const [client] = await connectedPair(ctx, os);
          os.pop(client);
        }
        os.turn(() => undefined);
        os.destroy();
      };
      for (let i = 0; i < 2; i++) await use();
      const before = open();
      // One that each left would be more than twice what may be a turn late.
      for (let i = 0; i < 6; i++) await use();
      // What libuv and the device close, they may close a turn later.
      await until(ctx, `descriptors to be closed: ${before} before, ${open()} after`, () => open() <= before + 2);
    },
    { device: true, timeout: 10_000 },
  );

  test(
    "libOSes one after another give their memory back at once",
    async (ctx) => {
      // It is not garbage collection that gives it back: no collection is asked for.
      const use = async () => {
        const os = await ctx.target.open({});
        const qd = os.queue();
        os.push(qd, os.sga.from("x"), PushFlag.FREE);
        os.pop(qd);
        os.turn(() => undefined);
        os.destroy();
        await turn();
      };
      const rounds = (ctx.target.timeScale ?? 1) >= 10 ? 10 : 25;
      for (let i = 0; i < 5; i++) await use();
      const before = process.memoryUsage.rss();
      for (let i = 0; i < rounds; i++) await use();
      const each = (process.memoryUsage.rss() - before) / rounds / 1024;
      assert.ok(each < 1024, `${each.toFixed()} KiB stay resident of each libOS that was destroyed`);
    },
    { on: "runtime", timeout: 30_000 },
  );

  test(
    "many rounds of everything leave the counters at zero",
    async (ctx) => {
      const os = await ctx.open();
      for (let round = 0; round < 30; round++) {
        for (const kind of ctx.target.features.tcp ? (["memory", "tcp"] as const) : (["memory"] as const)) {
          const channel = await openChannel(ctx, os, kind);
          const pops = [os.pop(channel.from), os.pop(channel.from)];
          await pushBytes(ctx, os, channel.to, "round");
          os.free((await completion(ctx, os, pops[0])).sga);
          os.drop(pops[1]);
          channel.close();
        }
      }
      await assertIdle(ctx, os);
      assert.equal(os.stats().invalidEntries, 0);
    },
    { device: true },
  );
});
