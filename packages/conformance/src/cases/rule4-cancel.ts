import assert from "node:assert/strict";
import { type LibOS, PushFlag, type QueueDescriptor } from "@demikernel/core";
import { type CaseContext, group } from "../case.js";
import {
  channelKinds,
  connectedPair,
  limitSendBuffer,
  listener,
  needsOf,
  openChannel,
  unansweredConnects,
} from "../channels.js";
import { assertFailed, assertThrows } from "../failures.js";
import { assertIdle, closeAll, completion, popMessage, popOnce, pushBytes, take, turn, until } from "../turns.js";

const MiB = 1 << 20;

/** Whether a client's connection is the one that was accepted and kept: a byte sent into that one arrives. */
async function fateOf(
  ctx: CaseContext,
  os: LibOS,
  client: QueueDescriptor,
  kept: QueueDescriptor,
): Promise<"open" | "closed"> {
  os.push(kept, os.sga.from("?"), PushFlag.FREE | PushFlag.QUIET);
  const done = await popOnce(ctx, os, client);
  if (done.result <= 0) return "closed";
  os.free(done.sga);
  return "open";
}

/** Rule 4, continued: a token can be given up, and nothing is lost or leaked by it. */
export const cancelling = group("rule 4: cancel and drop", { on: "runtime" }, (test) => {
  for (const kind of channelKinds) {
    test(
      `a cancelled pop ends with ECANCELED and takes nothing: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const channel = await openChannel(ctx, os, kind);
        const cancelled = os.pop(channel.from);
        assert.equal(
          os.turn(() => assert.fail("nothing to pop")),
          0,
        );
        assert.equal(os.cancel(cancelled), true);
        const done = await completion(ctx, os, cancelled);
        assertFailed(done, "ECANCELED");
        assert.equal(done.qt, cancelled);
        await pushBytes(ctx, os, channel.to, "for the next");
        assert.equal((await popMessage(ctx, os, channel.from)).toString(), "for the next");
        channel.close();
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );

    test(
      `a dropped pop leaves no completion and takes nothing: ${kind}`,
      async (ctx) => {
        const os = await ctx.open();
        const channel = await openChannel(ctx, os, kind);
        const dropped = os.pop(channel.from);
        os.turn(() => assert.fail("nothing to pop"));
        os.drop(dropped);
        assertThrows("EINVAL", () => os.poll(dropped));
        await until(ctx, "the dropped pop to end", () => {
          os.turn(() => assert.fail("a dropped token completed"));
          return os.stats().outstanding === 0;
        });
        await pushBytes(ctx, os, channel.to, "for the next");
        assert.equal((await popMessage(ctx, os, channel.from)).toString(), "for the next");
        channel.close();
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );
  }

  test("cancel of a pop that has its data: too late, the data comes", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const pop = os.pop(qd);
    await pushBytes(ctx, os, qd, "already there");
    assert.equal(os.cancel(pop), false);
    assert.equal(take(os, (await completion(ctx, os, pop)).sga).toString(), "already there");
    assertThrows("EINVAL", () => os.cancel(pop));
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("cancel twice: the second time it is too late", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const pop = os.pop(qd);
    assert.equal(os.cancel(pop), true);
    assert.equal(os.cancel(pop), false);
    assertFailed(await completion(ctx, os, pop), "ECANCELED");
    assertThrows("EINVAL", () => os.cancel(pop));
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("drop after completion frees what it brought", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const pop = os.pop(qd);
    await pushBytes(ctx, os, qd, "nobody reads this");
    os.drop(pop);
    assertThrows("EINVAL", () => os.poll(pop));
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("a dropped push still goes, and its memory comes back", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue({ capacity: 1 });
    await pushBytes(ctx, os, qd, "first");
    const sga = os.sga.from("second");
    const push = os.push(qd, sga);
    os.turn(() => assert.fail("the queue is full"));
    os.drop(push);
    os.free(sga);
    assert.equal((await popMessage(ctx, os, qd)).toString(), "first");
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("a cancelled push that was waiting does not arrive", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue({ capacity: 1 });
    await pushBytes(ctx, os, qd, "first");
    const waiting = os.push(qd, os.sga.from("never"), PushFlag.FREE);
    const behind = os.push(qd, os.sga.from("third"), PushFlag.FREE);
    os.turn(() => assert.fail("the queue is full"));
    assert.equal(os.cancel(waiting), true);
    assertFailed(await completion(ctx, os, waiting), "ECANCELED");
    assert.equal((await popMessage(ctx, os, qd)).toString(), "first");
    assert.equal((await popMessage(ctx, os, qd)).toString(), "third");
    assert.equal((await completion(ctx, os, behind)).result, 5);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test(
    "a push half sent: cancelled or too late, its memory comes back and the stream stays whole",
    async (ctx) => {
      const os = await ctx.open();
      const [client, server] = await connectedPair(ctx, os);
      limitSendBuffer(ctx, os, client);
      const size = 8 * MiB;
      const push = os.push(client, os.alloc(new Array<number>(8).fill(MiB)), PushFlag.FREE);
      for (let i = 0; i < 20; i++) {
        assert.equal(os.poll(push), undefined);
        await turn();
      }
      // Part of the message has left: calling it back would tear the stream, so it must either go on or end the connection.
      const cancelled = os.cancel(push);
      if (cancelled) {
        assertFailed(await completion(ctx, os, push), "ECANCELED");
      } else {
        let have = 0;
        while (have < size) {
          const done = await popOnce(ctx, os, server);
          assert.ok(done.result > 0, `pop ended with ${done.result} after ${have} bytes`);
          have += done.result;
          os.free(done.sga);
        }
        assert.equal((await completion(ctx, os, push)).result, size);
      }
      os.close(client);
      os.close(server);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp"), timeout: 10_000 },
  );

  test(
    "a cancelled accept takes no connection",
    async (ctx) => {
      const os = await ctx.open();
      const server = listener(ctx, os);
      const cancelled = os.accept(server.qd);
      os.turn(() => assert.fail("nobody connects"));
      assert.equal(os.cancel(cancelled), true);
      assertFailed(await completion(ctx, os, cancelled), "ECANCELED");
      const client = os.socket("tcp");
      const accepting = os.accept(server.qd);
      assert.equal((await completion(ctx, os, os.connect(client, server))).result, 0);
      const accepted = await completion(ctx, os, accepting);
      assert.equal(accepted.result, 0);
      await pushBytes(ctx, os, client, "hello");
      assert.equal((await popMessage(ctx, os, accepted.newQd)).toString(), "hello");
      for (const qd of [server.qd, client, accepted.newQd]) os.close(qd);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "a dropped accept that has its connection closes it",
    async (ctx) => {
      const os = await ctx.open();
      const server = listener(ctx, os);
      const accepting = [os.accept(server.qd), os.accept(server.qd)];
      const clients = [os.socket("tcp"), os.socket("tcp")];
      for (const qd of clients) assert.equal((await completion(ctx, os, os.connect(qd, server))).result, 0);
      // Accepts complete in order: when the second is there, the first has been there and lies unread.
      const second = await completion(ctx, os, accepting[1]);
      os.drop(accepting[0]);
      assertThrows("EINVAL", () => os.poll(accepting[0]));
      const ends = await Promise.all(clients.map((qd) => fateOf(ctx, os, qd, second.newQd)));
      assert.deepEqual(ends.sort(), ["closed", "open"]);
      for (const qd of [server.qd, second.newQd, ...clients]) os.close(qd);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "a cancelled connect ends with ECANCELED",
    async (ctx) => {
      const os = await ctx.open();
      const { queues, connects } = unansweredConnects(ctx, os);
      for (let i = 0; i < 50; i++) {
        os.poll(connects[7]);
        await turn();
        if (os.stats().outstanding === 0) break;
      }
      assert.equal(os.cancel(connects[7]), true, "nobody answers: it is pending");
      assertFailed(await completion(ctx, os, connects[7]), "ECANCELED");
      await closeAll(ctx, os, queues);
    },
    { needs: ["tcp", "hostPeer"] },
  );
});
