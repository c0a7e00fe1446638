import assert from "node:assert/strict";
import { type LibOS, PushFlag, type QueueToken, type Sga } from "@demikernel/core";
import { group } from "../case.js";
import { connectedPair, needsOf, openChannel } from "../channels.js";
import { assertCode, assertThrows, codeOf, outcome } from "../failures.js";
import { randomBytes, sha256 } from "../payload.js";
import { acceptedFromNet } from "../peers.js";
import { assertIdle, completion, popMessage, pushBytes, take, turn, until } from "../turns.js";

/** Small enough to be emptied in no time, large enough for a backend's own needs. */
const arena = [
  { size: 256, count: 64 },
  { size: 4096, count: 64 },
  { size: 65536, count: 8 },
];

/** Takes all the memory there is, in slots of every class. */
function exhaust(os: LibOS): Sga[] {
  const held: Sga[] = [];
  for (const { size } of arena) {
    for (;;) {
      try {
        held.push(os.alloc(size));
      } catch (error) {
        assert.equal((error as { code?: string }).code, "ENOBUFS");
        break;
      }
    }
  }
  return held;
}

/** Rule 5, continued: when the arena is empty alloc says ENOBUFS and a pop waits; no peer makes memory grow. */
export const memoryBounds = group("rule 5: memory", { on: "runtime", own: true }, (test) => {
  test("alloc says ENOBUFS when the arena is empty, and works again after a free", async (ctx) => {
    const os = await ctx.open({ arena });
    for (let round = 0; round < 3; round++) {
      const held = exhaust(os);
      assert.equal(held.length, 136, "every slot can be had, every time");
      assertThrows("ENOBUFS", () => os.alloc(1));
      assertThrows("ENOBUFS", () => os.sga.from("no room"));
      assertThrows("ENOBUFS", () => os.alloc([1, 1]));
      os.free(held.pop() as Sga);
      const again = os.alloc(1);
      os.free(again);
      for (const sga of held) os.free(sga);
      await assertIdle(ctx, os);
    }
  });

  test("a chain that does not fit as a whole takes nothing", async (ctx) => {
    const os = await ctx.open({ arena });
    const big = Array.from({ length: 7 }, () => os.alloc(65536));
    assertThrows("ENOBUFS", () => os.alloc([65536, 65536]));
    const last = os.alloc(65536);
    for (const sga of [...big, last]) os.free(sga);
    await assertIdle(ctx, os);
  });

  test("a push that needs a copy and finds no memory ends with ENOBUFS", async (ctx) => {
    const os = await ctx.open({ arena });
    const qd = os.queue();
    const held = exhaust(os);
    assert.equal(await outcome(ctx, os, () => os.push(qd, held[0])), "ENOBUFS");
    const given = held.pop() as Sga;
    const length = os.sga.length(given);
    assert.equal(
      (await completion(ctx, os, os.push(qd, given, PushFlag.FREE))).result,
      length,
      "what is given away needs no copy",
    );
    assert.equal((await popMessage(ctx, os, qd)).length, length);
    for (const sga of held) os.free(sga);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  for (const kind of ["tcp", "dmtr", "udp"] as const) {
    test(
      `a pop without memory waits, and goes on when some is freed: ${kind}`,
      async (ctx) => {
        const os = await ctx.open({ arena });
        const channel = await openChannel(ctx, os, kind);
        await pushBytes(ctx, os, channel.to, "patience");
        const held = exhaust(os);
        const pop = os.pop(channel.from);
        // The engine may hold memory for what arrives (a ring of receive buffers): then the pop is served from there.
        let done = os.poll(pop);
        for (let i = 0; i < 30 && done === undefined; i++) {
          await turn();
          done = os.poll(pop);
        }
        assert.ok(done === undefined || done.result === 8, "no memory is no error for a pop");
        for (const sga of held) os.free(sga);
        // A datagram that found no memory may be lost, as datagrams may; the pop takes the next one.
        if (done === undefined && kind === "udp") await pushBytes(ctx, os, channel.to, "patience");
        done ??= await completion(ctx, os, pop);
        assert.equal(take(os, done.sga).toString(), "patience");
        channel.close();
        await assertIdle(ctx, os);
      },
      { needs: needsOf(kind) },
    );
  }

  test(
    "a large transfer through a small arena arrives whole",
    async (ctx) => {
      const os = await ctx.open({ arena });
      const { qd, socket } = await acceptedFromNet(ctx, os);
      const data = randomBytes(ctx.random, 4 << 20);
      socket.end(data);
      // Held on to until alloc fails, then let go: the receiver lives at the edge of its memory.
      const held: { sga: Sga; bytes: Buffer }[] = [];
      const parts: Buffer[] = [];
      let pop = os.pop(qd);
      let waited = 0;
      for (;;) {
        const done = os.poll(pop);
        if (done === undefined) {
          ctx.check("more of the stream");
          await turn();
          if (++waited % 4 === 0) for (const { sga } of held.splice(0)) os.free(sga);
          continue;
        }
        assert.ok(done.result >= 0, codeOf(done));
        if (done.result === 0) break;
        parts.push(os.sga.copy(done.sga));
        held.push({ sga: done.sga, bytes: parts[parts.length - 1] });
        pop = os.pop(qd);
      }
      for (const { sga, bytes } of held) {
        assert.ok(os.sga.copy(sga).equals(bytes), "what is held was not overwritten");
        os.free(sga);
      }
      assert.equal(sha256(...parts), sha256(data));
      os.close(qd);
      await assertIdle(ctx, os);
    },
    { needs: ["tcp", "hostPeer"], timeout: 10_000 },
  );

  test(
    "a peer that floods an idle connection takes a bounded part of the arena",
    async (ctx) => {
      const os = await ctx.open({ arena });
      const { qd, socket } = await acceptedFromNet(ctx, os);
      // More than the buffers of both kernels take: 4 and 6 MiB at most where nobody has changed tcp_wmem and tcp_rmem.
      socket.write(Buffer.alloc(32 << 20, 0x55));
      const pop = os.pop(qd);
      const first = await completion(ctx, os, pop);
      os.free(first.sga);
      for (let i = 0; i < 200; i++) {
        os.turn(() => assert.fail("nothing was asked for"));
        await turn();
      }
      const probe = os.alloc(1000);
      os.free(probe);
      assert.equal(socket.writableNeedDrain || socket.writableLength > 0, true, "the peer is held back");
      os.close(qd);
      await assertIdle(ctx, os);
    },
    { needs: ["tcp", "hostPeer"] },
  );

  test(
    "a flood of datagrams nobody pops leaves memory for others",
    async (ctx) => {
      const os = await ctx.open({ arena });
      const channel = await openChannel(ctx, os, "udp");
      for (let i = 0; i < 500; i++) {
        assertCode(await outcome(ctx, os, () => os.push(channel.to, os.alloc(1000), PushFlag.FREE)), [
          "OK",
          "ENOBUFS",
          "EAGAIN",
        ]);
      }
      const other = os.queue();
      await pushBytes(ctx, os, other, "still served");
      assert.equal((await popMessage(ctx, os, other)).toString(), "still served");
      os.close(other);
      channel.close();
      await assertIdle(ctx, os);
    },
    { needs: needsOf("udp") },
  );

  test(
    "a connection that ends with memory in flight gives all of it back",
    async (ctx) => {
      const os = await ctx.open({ arena });
      for (let round = 0; round < 10; round++) {
        const [client, server] = await connectedPair(ctx, os);
        const pushes: QueueToken[] = Array.from({ length: 4 }, () =>
          os.push(client, os.alloc(65536), PushFlag.FREE | PushFlag.QUIET),
        );
        const pops = [os.pop(server, 1000), os.pop(server)];
        await until(ctx, "the first byte", () => {
          const done = os.poll(pops[0]);
          if (done !== undefined) os.free(done.sga);
          return done !== undefined;
        });
        os.drop(pops[1]);
        os.close(server);
        os.close(client);
        for (let i = 0; i < 5; i++)
          os.turn((event) => assert.ok(pushes.includes(event.qt), "only failed pushes complete"));
      }
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp") },
  );
});
