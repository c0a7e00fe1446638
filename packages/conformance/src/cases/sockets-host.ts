import assert from "node:assert/strict";
import { PushFlag, type QueueToken } from "@demikernel/core";
import { group } from "../case.js";
import { needsOf } from "../channels.js";
import { assertFailed } from "../failures.js";
import { between, randomBytes, sha256 } from "../payload.js";
import { acceptedFromNet, netServer, received } from "../peers.js";
import { assertIdle, completion, popBytes, popOnce, pushBytes, sgaOf, until } from "../turns.js";

const MiB = 1 << 20;

export const hostSockets = group("stream sockets and the host's own TCP", { needs: ["tcp", "hostPeer"] }, (test) => {
  for (const family of [4, 6] as const) {
    const needs = needsOf("tcp", family);

    test(
      `a node:net client talks to a queue: IPv${family}`,
      async (ctx) => {
        const os = await ctx.open();
        const { qd, socket } = await acceptedFromNet(ctx, os, { family });
        const inbox = received(socket);
        assert.deepEqual(os.getpeername(qd), { host: socket.localAddress, port: socket.localPort, family });
        socket.write("question");
        assert.equal((await popBytes(ctx, os, qd, 8)).toString(), "question");
        await pushBytes(ctx, os, qd, "answer");
        os.close(qd);
        await until(ctx, "the answer and the end", inbox.ended, os);
        assert.equal(inbox.bytes().toString(), "answer");
        await assertIdle(ctx, os);
      },
      { needs },
    );

    test(
      `a pushed promise reaches the peer though nothing else is awaited: IPv${family}`,
      async (ctx) => {
        const os = await ctx.open();
        const { qd, socket } = await acceptedFromNet(ctx, os, { family });
        const inbox = received(socket);
        assert.equal(await os.async.push(qd, os.sga.from("last words"), { free: true }), 10);
        // Without a libOS to poll: what carries it must not need one.
        await until(ctx, "the last words", () => inbox.bytes().length === 10);
        os.close(qd);
        os.turn(() => {});
      },
      { needs },
    );

    test(
      `a queue talks to a node:net server: IPv${family}`,
      async (ctx) => {
        const os = await ctx.open();
        const server = await netServer(ctx, family, (socket) => {
          socket.on("data", (data) => socket.write(data.toString().toUpperCase()));
          socket.on("end", () => socket.end("."));
        });
        const qd = os.socket("tcp", { family });
        assert.equal((await completion(ctx, os, os.connect(qd, server))).result, 0);
        await pushBytes(ctx, os, qd, "shout");
        assert.equal((await popBytes(ctx, os, qd, 5)).toString(), "SHOUT");
        os.close(qd);
        await assertIdle(ctx, os);
      },
      { needs },
    );
  }

  test(
    "a peer that half-closes still gets its answer",
    async (ctx) => {
      const os = await ctx.open();
      const { qd, socket } = await acceptedFromNet(ctx, os);
      const inbox = received(socket);
      socket.end("last question");
      assert.equal((await popBytes(ctx, os, qd, 13)).toString(), "last question");
      for (let i = 0; i < 3; i++) assert.equal((await popOnce(ctx, os, qd)).result, 0);
      await pushBytes(ctx, os, qd, "answer after the end");
      os.close(qd);
      await until(ctx, "the answer and the end", inbox.ended, os);
      assert.equal(inbox.bytes().toString(), "answer after the end");
      await assertIdle(ctx, os);
    },
    { needs: ["halfClose"] },
  );

  test(
    "a peer that resets while it is sent to: pops end with ECONNRESET, not as if it had said its last",
    async (ctx) => {
      const os = await ctx.open();
      for (let round = 0; round < 4; round++) {
        const { qd, socket } = await acceptedFromNet(ctx, os);
        const pop = os.pop(qd);
        const pushes = Array.from({ length: 12 }, () => os.push(qd, os.alloc(MiB - 17), PushFlag.FREE));
        // In the middle of what is under way.
        const enough = between(ctx.random, 3 * MiB, 6 * MiB);
        let read = 0;
        socket.on("data", (data) => {
          read += data.length;
          if (read >= enough) socket.resetAndDestroy();
        });
        assertFailed(await completion(ctx, os, pop), "ECONNRESET");
        assertFailed(await popOnce(ctx, os, qd), "ECONNRESET");
        for (const qt of pushes) {
          const done = await completion(ctx, os, qt);
          if (done.result < 0) assertFailed(done, ["ECONNRESET", "EPIPE"]);
        }
        os.close(qd);
      }
      await assertIdle(ctx, os);
    },
    { timeout: 10_000 },
  );

  test(
    "16 MiB from the host arrive whole, popped in odd sizes",
    async (ctx) => {
      const os = await ctx.open();
      const { qd, socket } = await acceptedFromNet(ctx, os);
      const data = randomBytes(ctx.random, 16 * MiB);
      socket.end(data);
      const parts: Buffer[] = [];
      for (;;) {
        const limit = ctx.random() < 0.3 ? 0 : between(ctx.random, 1, 100_000);
        const done = await popOnce(ctx, os, qd, limit);
        assert.ok(done.result >= 0, `result ${done.result}`);
        if (done.result === 0) break;
        assert.ok(limit === 0 || done.result <= limit, "no more than was asked for");
        assert.equal(os.sga.length(done.sga), done.result);
        parts.push(os.sga.copy(done.sga));
        os.free(done.sga);
      }
      assert.equal(sha256(...parts), sha256(data));
      os.close(qd);
      await assertIdle(ctx, os);
    },
    { timeout: 10_000 },
  );

  test(
    "16 MiB to a host that reads in fits and starts arrive whole",
    async (ctx) => {
      const os = await ctx.open();
      const { qd, socket } = await acceptedFromNet(ctx, os);
      const inbox = received(socket);
      const resting = setInterval(() => {
        if (socket.isPaused()) socket.resume();
        else socket.pause();
      }, 3);
      ctx.defer(() => clearInterval(resting));
      const sent: Buffer[] = [];
      for (let total = 0; total < 16 * MiB; ) {
        const pushes: QueueToken[] = [];
        for (let i = 0; i < 8; i++) {
          const part = randomBytes(ctx.random, between(ctx.random, 1, MiB));
          total += part.length;
          sent.push(part);
          pushes.push(os.push(qd, os.sga.from(part), PushFlag.FREE));
        }
        for (const [i, qt] of pushes.entries()) {
          assert.equal((await completion(ctx, os, qt)).result, sent[sent.length - pushes.length + i].length);
        }
      }
      os.close(qd);
      await until(ctx, "the end at the host", inbox.ended, os);
      clearInterval(resting);
      assert.equal(sha256(inbox.bytes()), sha256(...sent));
      await assertIdle(ctx, os);
    },
    { timeout: 10_000 },
  );

  test(
    "a hundred node:net clients come and go at odd moments",
    async (ctx) => {
      const os = await ctx.open();
      for (let i = 0; i < 100; i++) {
        const { qd, socket } = await acceptedFromNet(ctx, os);
        const pops = [os.pop(qd), os.pop(qd)];
        os.push(qd, os.sga.from("hello"), PushFlag.FREE);
        switch (between(ctx.random, 0, 3)) {
          case 0:
            socket.resetAndDestroy();
            break;
          case 1:
            socket.end("bye");
            break;
          case 2:
            socket.write("stay");
            break;
          default:
            os.close(qd);
        }
        if (ctx.random() < 0.5) for (const qt of pops) os.drop(qt);
        try {
          os.close(qd);
        } catch (error) {
          assert.equal((error as { code?: string }).code, "EBADF");
        }
        socket.destroy();
      }
      // Whatever those operations brought is still to be given back.
      await until(ctx, "all operations to end", () => {
        os.turn((event) => {
          if (sgaOf(event) !== 0) os.free(sgaOf(event));
        });
        return os.stats().outstanding === 0;
      });
      await assertIdle(ctx, os);
    },
    { timeout: 10_000 },
  );
});
