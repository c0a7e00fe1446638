import assert from "node:assert/strict";
import { type AsyncPushOptions, type LibOS, PushFlag, type QueueDescriptor, type Sga } from "@demikernel/core";
import { group } from "../case.js";
import { connectedPair, limitSendBuffer, listener, needsOf, unansweredConnects } from "../channels.js";
import { assertRejects } from "../failures.js";
import { randomBytes, sha256 } from "../payload.js";
import { assertIdle, closeAll, popBytes, popMessage, take, turn, until } from "../turns.js";

const MiB = 1 << 20;

/** A way for a promised push to end, and whether it resolves. */
interface End {
  name: string;
  /** What it rejects with: a code or an error; undefined when it resolves. */
  rejects: string | Error | undefined;
  push(os: LibOS, qd: QueueDescriptor, sga: Sga, free: boolean): Promise<number>;
}

const reason = new Error("aborted by the test");

/** Each gets a queue that holds one message and has one. */
const ends: readonly End[] = [
  {
    name: "it completes",
    rejects: undefined,
    push: (os, qd, sga, free) => {
      const push = os.async.push(qd, sga, { free });
      setImmediate(() => os.async.pop(qd).then((popped) => os.free(popped)));
      return push;
    },
  },
  {
    name: "the queue is closed meanwhile",
    rejects: "ECANCELED",
    push: (os, qd, sga, free) => {
      const push = os.async.push(qd, sga, { free });
      os.close(qd);
      return push;
    },
  },
  {
    name: "the queue was closed before",
    rejects: "EBADF",
    push: (os, qd, sga, free) => {
      os.close(qd);
      return os.async.push(qd, sga, { free });
    },
  },
  {
    name: "the signal had been aborted before",
    rejects: reason,
    push: (os, qd, sga, free) => os.async.push(qd, sga, { free, signal: AbortSignal.abort(reason) }),
  },
  {
    name: "the signal is aborted before it is handed over",
    rejects: reason,
    push: (os, qd, sga, free) => {
      const controller = new AbortController();
      const push = os.async.push(qd, sga, { free, signal: controller.signal });
      controller.abort(reason);
      return push;
    },
  },
  {
    name: "the signal is aborted while it waits",
    rejects: reason,
    push: (os, qd, sga, free) => {
      const controller = new AbortController();
      const push = os.async.push(qd, sga, { free, signal: controller.signal });
      setImmediate(() => setImmediate(() => controller.abort(reason)));
      return push;
    },
  },
  {
    name: "an address that is none",
    rejects: "EINVAL",
    push: (os, qd, sga, free) => os.async.pushTo(qd, sga, { host: "nowhere at all", port: 1 }, { free }),
  },
];

export const aborting = group("promises: who owns the memory, and what a signal ends", { on: "runtime" }, (test) => {
  for (const { name, rejects, push } of ends) {
    for (const free of [true, false]) {
      test(`a push ${free ? "with free" : "lent"}: ${name}`, async (ctx) => {
        const os = await ctx.open();
        const qd = os.queue({ capacity: 1 });
        os.push(qd, os.sga.from("first"), PushFlag.FREE | PushFlag.QUIET);
        const sga = os.sga.from("second");
        const result = await push(os, qd, sga, free).catch((error) => error);
        if (rejects === undefined) assert.equal(result, 6);
        else if (typeof rejects === "string") await assertRejects(rejects, Promise.reject(result));
        else assert.equal(result, rejects);
        for (let i = 0; i < 3; i++) await turn();
        if (!free) {
          assert.equal(take(os, sga).toString(), "second", "lent: it is the application's as before");
        }
        if (!/queue/.test(name)) os.close(qd);
        await assertIdle(ctx, os);
      });
    }
  }

  test(
    "with no token left a push with free rejects with EAGAIN and frees, a lent one rejects",
    async (ctx) => {
      const os = await ctx.open({ tokens: 64 });
      const qd = os.queue();
      const pops = Array.from({ length: 64 }, () => os.pop(qd));
      await assertRejects("EAGAIN", os.async.push(qd, os.sga.from("given"), { free: true }));
      const lent = os.sga.from("lent");
      await assertRejects("EAGAIN", os.async.push(qd, lent));
      assert.equal(take(os, lent).toString(), "lent");
      for (const qt of pops) os.drop(qt);
      os.close(qd);
      await assertIdle(ctx, os);
    },
    { own: true },
  );

  test("wrong options and a wrong signal are EINVAL, and nothing was started", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    for (const options of [1, true, "free"] as unknown as AsyncPushOptions[]) {
      const sga = os.sga.from("kept");
      await assertRejects("EINVAL", os.async.push(qd, sga, options));
      os.free(sga);
    }
    for (const signal of [1, "stop", true, {}, { aborted: false }, { aborted: false, addEventListener() {} }]) {
      const options = { signal: signal as unknown as AbortSignal };
      await assertRejects("EINVAL", os.async.pop(qd, options));
      await assertRejects("EINVAL", os.async.push(qd, os.sga.from("given"), { free: true, ...options }));
      const qt = os.pop(qd);
      await assertRejects("EINVAL", os.async.wait(qt, options));
      os.drop(qt);
    }
    // As with fetch(), null means no signal.
    const popped = os.async.pop(qd, { signal: null as unknown as AbortSignal });
    os.push(qd, os.sga.from("heard"), PushFlag.FREE | PushFlag.QUIET);
    assert.equal(take(os, await popped).toString(), "heard");
    os.close(qd);
    await assertIdle(ctx, os);
  });

  for (const framing of ["stream", "dmtr"] as const) {
    test(
      `a push under way: its promise rejects at once, its bytes still arrive: ${framing}`,
      async (ctx) => {
        const os = await ctx.open();
        const [client, server] = await connectedPair(ctx, os, { framing, maxMessage: 8 * MiB });
        limitSendBuffer(ctx, os, client);
        const sga = os.alloc([MiB, MiB, MiB, MiB]);
        const parts = Array.from({ length: 4 }, (_, i) => randomBytes(ctx.random, os.sga.bytes(sga, i).length));
        for (const [i, part] of parts.entries()) os.sga.bytes(sga, i).set(part);
        const controller = new AbortController();
        const push = os.async.push(client, sga, { free: true, signal: controller.signal });
        for (let i = 0; i < 20; i++) await turn();
        const begun = performance.now();
        controller.abort(reason);
        assert.equal(await push.catch((error) => error), reason);
        assert.ok(performance.now() - begun < ctx.scaled(1000), "at once: the peer has read nothing");
        // The bytes that went out cannot be taken back, so the rest follows, and what comes after keeps its place.
        const after = os.async.push(client, os.sga.from("after"), { free: true });
        const bytes =
          framing === "stream"
            ? await popBytes(ctx, os, server, 4 * MiB + 5)
            : Buffer.concat([await popMessage(ctx, os, server), await popMessage(ctx, os, server)]);
        assert.equal(await after, 5);
        assert.equal(sha256(bytes), sha256(...parts, Buffer.from("after")));
        os.close(client);
        os.close(server);
        await assertIdle(ctx, os);
      },
      { needs: needsOf(framing === "dmtr" ? "dmtr" : "tcp"), timeout: 10_000 },
    );
  }

  test(
    "a push under way whose queue is closed after the abort: nothing is left behind",
    async (ctx) => {
      const os = await ctx.open();
      const [client, server] = await connectedPair(ctx, os);
      limitSendBuffer(ctx, os, client);
      const controller = new AbortController();
      const pushes = Array.from({ length: 3 }, () =>
        os.async.push(client, os.alloc([MiB, MiB]), { free: true, signal: controller.signal }),
      );
      for (let i = 0; i < 20; i++) await turn();
      controller.abort(reason);
      for (const push of pushes) assert.equal(await push.catch((error) => error), reason);
      os.close(client);
      os.close(server);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp"), timeout: 10_000 },
  );

  test(
    "aborts of every call, at random moments: each promise settles, nothing leaks",
    async (ctx) => {
      const os = await ctx.open();
      const server = listener(ctx, os);
      const [a, b] = await connectedPair(ctx, os);
      const unanswered = unansweredConnects(ctx, os);
      for (const qt of unanswered.connects) os.drop(qt);
      const memory = os.queue({ capacity: 2 });
      let unsettled = 0;
      const follow = (promise: Promise<unknown>, give: (value: unknown) => void) => {
        unsettled++;
        promise.then(give, () => undefined).finally(() => unsettled--);
      };
      const freed = (sga: unknown) => os.free(sga as Sga);
      for (let i = 0; i < 400; i++) {
        const controller = new AbortController();
        const { signal } = controller;
        const what = Math.floor(ctx.random() * 5);
        if (what === 0) follow(os.async.accept(server.qd, { signal }), (qd) => os.close(qd as QueueDescriptor));
        if (what === 1) follow(os.async.pop(ctx.random() < 0.5 ? b : memory, { signal }), (sga) => sga && freed(sga));
        if (what === 2) follow(os.async.push(a, os.alloc(20_000), { free: true, signal }), () => undefined);
        if (what === 3) follow(os.async.push(memory, os.alloc(10), { free: true, signal }), () => undefined);
        if (what === 4) {
          const qd = os.socket("tcp");
          follow(os.async.connect(qd, server, { signal }), () => undefined);
          setTimeout(() => os.close(qd), ctx.random() * 20);
        }
        const later = ctx.random() * 6 - 2;
        if (later < 0) controller.abort();
        else setTimeout(() => controller.abort(), later);
        if (ctx.random() < 0.3) await turn();
      }
      await until(ctx, "every promise to settle", () => unsettled === 0);
      // What was under way when it was aborted still goes out, if somebody reads it.
      await new Promise((resolve) => setTimeout(resolve, 25));
      await closeAll(ctx, os, [a, b, memory, server.qd, ...unanswered.queues]);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp"), timeout: 10_000 },
  );
});
