import assert from "node:assert/strict";
import { PushFlag } from "@demikernel/core";
import { group } from "../case.js";
import { channelKinds, connectedPair, listener, needsOf, openChannel } from "../channels.js";
import { assertFailed, assertRejects } from "../failures.js";
import { assertIdle, closeAll, popMessage, take, turn } from "../turns.js";

export const asyncCalls = group("promises", { on: "runtime" }, (test) => {
  for (const kind of channelKinds) {
    test(
      `push and pop as promises: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const channel = await openChannel(ctx, os, kind);
        const popping = os.async.pop(channel.from);
        assert.equal(await os.async.push(channel.to, os.sga.from("promised"), { free: true }), 8);
        assert.equal(take(os, await popping).toString(), "promised");
        channel.close();
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );
  }

  test("a thousand promises at once, each with its own answer", async (ctx) => {
    const os = await ctx.open();
    const queues = Array.from({ length: 20 }, () => os.queue());
    const pops = queues.flatMap((qd) => Array.from({ length: 50 }, () => os.async.pop(qd)));
    const pushes = queues.flatMap((qd, q) =>
      Array.from({ length: 50 }, (_, i) => os.async.push(qd, os.sga.from(`${q}/${i}`), { free: true })),
    );
    await Promise.all(pushes);
    const texts = (await Promise.all(pops)).map((sga) => take(os, sga).toString());
    assert.deepEqual(
      texts,
      queues.flatMap((_, q) => Array.from({ length: 50 }, (_, i) => `${q}/${i}`)),
    );
    for (const qd of queues) os.close(qd);
    await assertIdle(ctx, os);
  });

  test("promises and blocking waits live side by side", async (ctx) => {
    const os = await ctx.open();
    const [a, b] = [os.queue(), os.queue()];
    const promised = os.async.pop(a);
    const token = os.pop(b);
    os.push(a, os.sga.from("A"), PushFlag.FREE | PushFlag.QUIET);
    os.push(b, os.sga.from("B"), PushFlag.FREE | PushFlag.QUIET);
    assert.equal(take(os, os.wait(token, ctx.remaining()).sga).toString(), "B");
    assert.equal(take(os, await promised).toString(), "A");
  });

  test("failures reject with DemiError", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const pop = os.async.pop(qd);
    const rejection = assertRejects("ECANCELED", pop);
    await turn();
    os.close(qd);
    assert.equal((await rejection).qd, qd);
    await assertRejects("EBADF", os.async.pop(qd));
    await assertRejects("EBADF", os.async.push(qd, os.sga.from("x"), { free: true }));
    await assertRejects("EOPNOTSUPP", os.async.accept(os.queue()));
  });

  test("wait as a promise resolves with the completion, failed or not", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const push = os.push(qd, os.sga.from("abc"), PushFlag.FREE);
    const done = await os.async.wait(push);
    assert.equal(done.qt, push);
    assert.equal(done.result, 3);
    const pops = [os.pop(qd), os.pop(qd)];
    assert.equal(take(os, (await os.async.wait(pops[0])).sga).toString(), "abc");
    const failing = os.async.wait(pops[1]);
    await turn();
    os.close(qd);
    assertFailed(await failing, "ECANCELED");
    await assertRejects("EINVAL", os.async.wait(push));
  });

  test("a signal aborted before: nothing is started", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const reason = new Error("not today");
    const signal = AbortSignal.abort(reason);
    for (const start of [
      () => os.async.pop(qd, { signal }),
      () => os.async.accept(qd, { signal }),
      () => os.async.connect(qd, { host: "127.0.0.1", port: 9 }, { signal }),
      () => os.async.messages(qd, { signal }).next(),
    ]) {
      await assert.rejects(
        async () => void (await start()),
        (error) => error === reason,
      );
    }
    os.push(qd, os.sga.from("untouched"), PushFlag.FREE | PushFlag.QUIET);
    assert.equal((await popMessage(ctx, os, qd)).toString(), "untouched");
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("a signal aborted meanwhile: the operation is cancelled and takes nothing", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    for (let i = 0; i < 5; i++) {
      const controller = new AbortController();
      const pop = os.async.pop(qd, { signal: controller.signal });
      for (let n = 0; n < i; n++) await turn();
      const reason = new Error(`abort ${i}`);
      controller.abort(reason);
      await assert.rejects(pop, (error) => error === reason);
    }
    os.push(qd, os.sga.from("for the next"), PushFlag.FREE | PushFlag.QUIET);
    assert.equal((await popMessage(ctx, os, qd)).toString(), "for the next");
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("a signal aborted afterwards changes nothing, and signals do not pile up listeners", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const controller = new AbortController();
    let listeners = 0;
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners++;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners--;
      remove(...args);
    };
    for (let i = 0; i < 20; i++) {
      const pop = os.async.pop(qd, { signal });
      await os.async.push(qd, os.sga.from(`${i}`), { free: true });
      assert.equal(take(os, await pop).toString(), `${i}`);
    }
    assert.equal(listeners, 0, "a finished operation no longer listens");
    controller.abort();
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("messages() yields until the queue is closed, and frees each sga when asked for the next", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    for (let i = 0; i < 10; i++) os.push(qd, os.sga.from(`${i}`), PushFlag.FREE | PushFlag.QUIET);
    const texts: string[] = [];
    for await (const sga of os.async.messages(qd)) {
      texts.push(os.sga.copy(sga).toString());
      if (texts.length === 10) setImmediate(() => os.close(qd));
    }
    assert.equal(texts.join(""), "0123456789");
    await assertIdle(ctx, os);
  });

  test("leaving messages() early frees what was yielded and takes no more", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    for (let i = 0; i < 3; i++) os.push(qd, os.sga.from(`${i}`), PushFlag.FREE | PushFlag.QUIET);
    for await (const sga of os.async.messages(qd)) {
      assert.equal(os.sga.copy(sga).toString(), "0");
      break;
    }
    assert.equal((await popMessage(ctx, os, qd)).toString(), "1");
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test(
    "messages() ends with the stream, connections() with the listener",
    async (ctx) => {
      const os = await ctx.open();
      const server = listener(ctx, os);
      const serving = (async () => {
        let count = 0;
        for await (const qd of os.async.connections(server.qd)) {
          count++;
          let text = "";
          for await (const sga of os.async.messages(qd)) text += os.sga.copy(sga).toString();
          assert.equal(text, "hello and bye");
          os.close(qd);
          if (count === 3) setImmediate(() => os.close(server.qd));
        }
        return count;
      })();
      for (let i = 0; i < 3; i++) {
        const client = os.socket("tcp");
        await os.async.connect(client, server);
        await os.async.push(client, os.sga.from("hello "), { free: true });
        await os.async.push(client, os.sga.from("and bye"), { free: true });
        os.close(client);
      }
      assert.equal(await serving, 3);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "an aborted accept lets the next one have the connection",
    async (ctx) => {
      const os = await ctx.open();
      const server = listener(ctx, os);
      const controller = new AbortController();
      const first = os.async.accept(server.qd, { signal: controller.signal });
      await turn();
      controller.abort();
      await assert.rejects(first, { name: "AbortError" });
      const second = os.async.accept(server.qd);
      const client = os.socket("tcp");
      await os.async.connect(client, server);
      const accepted = await second;
      await os.async.push(accepted, os.sga.from("hi"), { free: true });
      assert.equal((await popMessage(ctx, os, client)).toString(), "hi");
      await closeAll(ctx, os, [server.qd, client, accepted]);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "an echo of a hundred messages over promises on both sides",
    async (ctx) => {
      const os = await ctx.open();
      const [client, server] = await connectedPair(ctx, os, ctx.target.features.dmtr ? { framing: "dmtr" } : {});
      const echo = (async () => {
        for await (const sga of os.async.messages(server)) await os.async.push(server, sga);
      })();
      for (let i = 0; i < 100; i++) {
        await os.async.push(client, os.sga.from(`message ${i}`), { free: true });
        assert.equal(take(os, await os.async.pop(client)).toString(), `message ${i}`);
      }
      os.close(client);
      await echo;
      os.close(server);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp") },
  );
});
