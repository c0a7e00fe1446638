import assert from "node:assert/strict";
import { Opcode, PushFlag, type QueueToken } from "@demikernel/core";
import { group } from "../case.js";
import {
  channelKinds,
  connectedPair,
  limitSendBuffer,
  listener,
  needsOf,
  openChannel,
  unansweredConnects,
} from "../channels.js";
import { assertFailed, assertThrows, codeOf } from "../failures.js";
import { netServer } from "../peers.js";
import { assertIdle, collect, completion, popMessage, popOnce, pushBytes, turn, until } from "../turns.js";

const MiB = 1 << 20;

/** Rule 4: closing a queue completes all its pending tokens with ECANCELED. */
export const closing = group("rule 4: close", { on: "runtime" }, (test) => {
  for (const kind of channelKinds) {
    test(
      `pending pops end with ECANCELED: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const channel = await openChannel(ctx, os, kind);
        const pops = Array.from({ length: 10 }, () => os.pop(channel.from));
        assert.equal(
          os.turn(() => assert.fail("nothing to pop")),
          0,
        );
        os.close(channel.from);
        const done = await collect(ctx, os, 10);
        assert.deepEqual(
          done.map((event) => event.qt),
          pops,
          "oldest first",
        );
        for (const event of done) {
          assertFailed(event, "ECANCELED");
          assert.equal(event.qd, channel.from);
          assert.equal(event.opcode, Opcode.POP);
        }
        if (channel.to !== channel.from) os.close(channel.to);
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );

    test(
      `pops not yet submitted end with ECANCELED or EBADF: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const channel = await openChannel(ctx, os, kind);
        const pop = os.pop(channel.from);
        os.close(channel.from);
        assertFailed(await completion(ctx, os, pop), ["ECANCELED", "EBADF"]);
        if (channel.to !== channel.from) os.close(channel.to);
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );

    test(
      `what a closed queue still holds is freed: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const channel = await openChannel(ctx, os, kind);
        for (let i = 0; i < 20; i++) await pushBytes(ctx, os, channel.to, `nobody pops ${i}`);
        channel.close();
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );
  }

  test("pushes that wait for room end with ECANCELED", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue({ capacity: 2 });
    const pushes = Array.from({ length: 6 }, (_, i) => os.push(qd, os.sga.from(`${i}`), PushFlag.FREE));
    for (const qt of pushes.slice(0, 2)) assert.equal((await completion(ctx, os, qt)).result, 1);
    os.close(qd);
    for (const qt of pushes.slice(2)) assertFailed(await completion(ctx, os, qt), "ECANCELED");
    await assertIdle(ctx, os);
  });

  test(
    "pushes the peer does not read end with ECANCELED, and their memory comes back",
    async (ctx) => {
      const os = await ctx.open();
      const [client, server] = await connectedPair(ctx, os);
      limitSendBuffer(ctx, os, client);
      const pushes = Array.from({ length: 8 }, () => os.push(client, os.alloc(MiB), PushFlag.FREE));
      const pending = os.pop(client);
      for (let i = 0; i < 20; i++) {
        assert.equal(os.poll(pushes[7]), undefined);
        await turn();
      }
      os.close(client);
      assertFailed(await completion(ctx, os, pushes[7]), "ECANCELED");
      assertFailed(await completion(ctx, os, pending), "ECANCELED");
      for (const qt of pushes.slice(0, 7)) {
        const done = await completion(ctx, os, qt);
        assert.ok(done.result === MiB || codeOf(done) === "ECANCELED", codeOf(done));
      }
      os.close(server);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "accepts that wait end with ECANCELED",
    async (ctx) => {
      const os = await ctx.open();
      const server = listener(ctx, os);
      const accepts = Array.from({ length: 5 }, () => os.accept(server.qd));
      assert.equal(
        os.turn(() => assert.fail("nobody connects")),
        0,
      );
      os.close(server.qd);
      for (const qt of accepts) {
        const done = await completion(ctx, os, qt);
        assertFailed(done, "ECANCELED");
        assert.equal(done.newQd, 0);
      }
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "connections nobody accepted go with the listener",
    async (ctx) => {
      const os = await ctx.open();
      const server = listener(ctx, os);
      const client = os.socket("tcp");
      assert.equal((await completion(ctx, os, os.connect(client, server))).result, 0);
      for (let i = 0; i < 10; i++) {
        os.turn(() => assert.fail("nothing is pending"));
        await turn();
      }
      os.close(server.qd);
      const end = await popOnce(ctx, os, client);
      assert.ok(end.result === 0 || codeOf(end) === "ECONNRESET", codeOf(end));
      os.close(client);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "a connect that is on its way ends with ECANCELED",
    async (ctx) => {
      const os = await ctx.open();
      const { queues, connects } = unansweredConnects(ctx, os);
      for (let i = 0; i < 50; i++) {
        os.turn(() => undefined, 0);
        await turn();
      }
      const stuck = os.stats().outstanding;
      assert.ok(stuck > 0, "some connects are pending");
      const endings = new Map<QueueToken, string>();
      for (const qd of queues) os.close(qd);
      while (endings.size < stuck) {
        os.turn((event) => endings.set(event.qt, codeOf(event)));
        ctx.check("the pending connects to end");
        await turn();
      }
      assert.deepEqual(new Set(endings.values()), new Set(["ECANCELED"]));
      assert.ok([...endings.keys()].every((qt) => connects.includes(qt)));
      await assertIdle(ctx, os);
    },
    { needs: ["tcp", "hostPeer"] },
  );

  test(
    "close sends what was pushed and completed before it",
    async (ctx) => {
      const os = await ctx.open();
      let length = 0;
      let ended = false;
      const peer = await netServer(ctx, 4, (socket) => {
        socket.on("data", (part: Buffer) => {
          length += part.length;
        });
        socket.on("end", () => {
          ended = true;
        });
      });
      const qd = os.socket("tcp");
      assert.equal((await completion(ctx, os, os.connect(qd, peer))).result, 0);
      await pushBytes(ctx, os, qd, "x".repeat(100_000));
      os.close(qd);
      await until(ctx, "all bytes at the peer", () => ended, os);
      assert.equal(length, 100_000);
    },
    { needs: ["tcp", "hostPeer"] },
  );

  test("a queue closes with operations of both directions and other queues open", async (ctx) => {
    const os = await ctx.open();
    const keep = os.queue();
    const kept = os.pop(keep);
    for (let round = 0; round < 50; round++) {
      const qd = os.queue({ capacity: 1 });
      const pops = [os.pop(qd), os.pop(qd)];
      os.turn(() => assert.fail("nothing to complete"));
      os.close(qd);
      for (const qt of pops) assertFailed(await completion(ctx, os, qt), "ECANCELED");
    }
    assert.equal(os.poll(kept), undefined);
    await pushBytes(ctx, os, keep, "still here");
    assert.equal(os.sga.length((await completion(ctx, os, kept)).sga), 10);
  });

  test("closing twice is EBADF", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    os.close(qd);
    const error = assertThrows("EBADF", () => os.close(qd));
    assert.equal(error.qd, qd);
  });

  test("completions made before the close are still handed out", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const push = os.push(qd, os.sga.from("made it"), PushFlag.FREE);
    const pop = os.pop(qd);
    await turn();
    os.poll(push);
    os.close(qd);
    const done = await completion(ctx, os, pop);
    assert.equal(done.result, 7);
    assert.equal(os.sga.copy(done.sga).toString(), "made it");
    os.free(done.sga);
    await assertIdle(ctx, os);
  });

  test(
    "the queue behind the other end goes on after a close",
    async (ctx) => {
      const os = await ctx.open();
      const [client, server] = await connectedPair(ctx, os);
      await pushBytes(ctx, os, client, "bye");
      os.close(client);
      assert.equal((await popMessage(ctx, os, server)).toString(), "bye");
      assert.equal((await popOnce(ctx, os, server)).result, 0);
      os.close(server);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp") },
  );
});
