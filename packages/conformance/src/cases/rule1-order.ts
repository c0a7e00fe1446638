import assert from "node:assert/strict";
import { Opcode, PushFlag, type Sga } from "@demikernel/core";
import { group } from "../case.js";
import { channelKinds, connectedPair, listener, messageKinds, needsOf, openChannel } from "../channels.js";
import { between, randomBytes } from "../payload.js";
import { assertIdle, closeAll, collect, completion, newQdOf, popBytes, popMessage, sgaOf, take } from "../turns.js";

/** Rule 1: operations on one queue complete in the order they were started, per direction. */
export const order = group("rule 1: order", { on: "runtime" }, (test) => {
  for (const kind of channelKinds) {
    test(
      `pushes complete in the order they were started: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const channel = await openChannel(ctx, os, kind);
        const sizes = Array.from({ length: 50 }, () => between(ctx.random, 1, 1400));
        const started = sizes.map((size) => os.push(channel.to, os.alloc(size), PushFlag.FREE));
        const done = await collect(ctx, os, started.length);
        assert.deepEqual(
          done.map((event) => event.qt),
          started,
        );
        assert.deepEqual(
          done.map((event) => event.result),
          sizes,
          "each push moved all its bytes",
        );
        channel.close();
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );

    test(
      `pops complete in the order they were started, each with the next bytes: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const channel = await openChannel(ctx, os, kind);
        // All pops wait before the first byte comes; the limit makes a stream hand out one letter a pop.
        const pops = Array.from({ length: 26 }, () => os.pop(channel.from, 1));
        assert.equal(
          os.turn(() => assert.fail("nothing was pushed yet")),
          0,
        );
        const pushes = new Set<number>();
        for (let i = 0; i < 26; i++)
          pushes.add(os.push(channel.to, os.sga.from(String.fromCharCode(97 + i)), PushFlag.FREE));
        const done = await collect(ctx, os, 52);
        const popped = done.filter((event) => !pushes.has(event.qt));
        assert.deepEqual(
          popped.map((event) => event.qt),
          pops,
        );
        assert.ok(popped.every((event) => event.opcode === Opcode.POP && event.result === 1));
        assert.equal(popped.map((event) => take(os, sgaOf(event)).toString()).join(""), "abcdefghijklmnopqrstuvwxyz");
        channel.close();
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );
  }

  for (const kind of messageKinds) {
    test(
      `messages of all sizes arrive in order: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const channel = await openChannel(ctx, os, kind);
        const longest = kind === "udp" ? Math.min(9000, ctx.target.maxDatagram?.(4) ?? 9000) : 9000;
        const messages = Array.from({ length: 40 }, () =>
          randomBytes(ctx.random, between(ctx.random, 1, between(ctx.random, 1, longest))),
        );
        for (const message of messages) {
          os.push(channel.to, os.sga.from(message), PushFlag.FREE | PushFlag.QUIET);
          // A few at a time: a datagram socket may drop what its buffer does not hold.
          if (ctx.random() < 0.5) os.turn(() => assert.fail("a quiet push completed"));
        }
        for (const message of messages) assert.deepEqual(await popMessage(ctx, os, channel.from), message);
        channel.close();
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );
  }

  test(
    "a stream keeps its byte order over pushes of all sizes: tcp",
    async (ctx) => {
      const os = await ctx.open();
      const channel = await openChannel(ctx, os, "tcp");
      const messages = Array.from({ length: 60 }, () =>
        randomBytes(ctx.random, between(ctx.random, 1, between(ctx.random, 1, 60_000))),
      );
      for (const message of messages) os.push(channel.to, os.sga.from(message), PushFlag.FREE | PushFlag.QUIET);
      const whole = Buffer.concat(messages);
      assert.ok((await popBytes(ctx, os, channel.from, whole.length)).equals(whole));
      await closeAll(ctx, os, [channel.to, channel.from]);
    },
    { needs: needsOf("tcp") },
  );

  test("a cancelled operation leaves the order of the others alone", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const pops = Array.from({ length: 10 }, () => os.pop(qd));
    const cancelled = pops.filter((_, i) => i % 3 === 1);
    for (const qt of cancelled) assert.equal(os.cancel(qt), true);
    const rest = pops.filter((qt) => !cancelled.includes(qt));
    for (let i = 0; i < rest.length; i++) os.push(qd, os.sga.from(`${i}`), PushFlag.FREE | PushFlag.QUIET);
    const done = (await collect(ctx, os, 10)).filter((event) => event.result > 0);
    assert.deepEqual(
      done.map((event) => event.qt),
      rest,
    );
    assert.equal(done.map((event) => take(os, sgaOf(event)).toString()).join(""), "0123456");
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("pushes that wait for room keep their order", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue({ capacity: 3 });
    for (let i = 0; i < 100; i++) os.push(qd, os.sga.from(`${i}`), PushFlag.FREE | PushFlag.QUIET);
    for (let i = 0; i < 100; i++) assert.equal((await popMessage(ctx, os, qd)).toString(), `${i}`);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("a queue that is stuck holds up no other queue", async (ctx) => {
    const os = await ctx.open();
    const stuck = os.queue({ capacity: 1 });
    const lively = os.queue();
    const waiting: Sga[] = [os.sga.from("a"), os.sga.from("b")];
    const pushes = waiting.map((sga) => os.push(stuck, sga));
    const other = os.push(lively, os.sga.from("c"), PushFlag.FREE);
    assert.equal((await completion(ctx, os, pushes[0])).result, 1);
    assert.equal((await completion(ctx, os, other)).result, 1);
    assert.equal((await popMessage(ctx, os, lively)).toString(), "c");
    assert.equal(os.poll(pushes[1]), undefined, "the second push still waits for room");
    assert.equal((await popMessage(ctx, os, stuck)).toString(), "a");
    assert.equal((await completion(ctx, os, pushes[1])).result, 1);
    for (const sga of waiting) os.free(sga);
    os.close(stuck);
    os.close(lively);
    await assertIdle(ctx, os);
  });

  test(
    "the two directions of a connection do not wait for one another",
    async (ctx) => {
      const os = await ctx.open();
      const [client, server] = await connectedPair(ctx, os);
      const idle = os.pop(client);
      for (let i = 0; i < 20; i++) {
        os.push(client, os.sga.from(`${i},`), PushFlag.FREE | PushFlag.QUIET);
        assert.equal((await popBytes(ctx, os, server, `${i},`.length)).toString(), `${i},`);
      }
      assert.equal(os.poll(idle), undefined);
      os.push(server, os.sga.from("x"), PushFlag.FREE | PushFlag.QUIET);
      assert.equal(take(os, (await completion(ctx, os, idle)).sga).toString(), "x");
      await closeAll(ctx, os, [client, server]);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "accepts complete in the order they were started",
    async (ctx) => {
      const os = await ctx.open();
      const server = listener(ctx, os);
      const accepts = Array.from({ length: 8 }, () => os.accept(server.qd));
      const clients = accepts.map(() => os.socket("tcp"));
      const connects = clients.map((qd) => os.connect(qd, server));
      const done = await collect(ctx, os, 16);
      assert.deepEqual(
        done.filter((event) => event.opcode === Opcode.ACCEPT).map((event) => event.qt),
        accepts,
      );
      assert.deepEqual(
        new Set(done.filter((event) => event.opcode === Opcode.CONNECT).map((event) => event.qt)),
        new Set(connects),
      );
      assert.equal(
        new Set(done.map((event) => newQdOf(event))).size,
        9,
        "eight new descriptors, and 0 for the connects",
      );
      const accepted = done.map((event) => newQdOf(event)).filter((qd) => qd !== 0);
      await closeAll(ctx, os, [server.qd, ...clients, ...accepted]);
    },
    { needs: needsOf("tcp") },
  );
});
