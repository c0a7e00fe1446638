import assert from "node:assert/strict";
import { PushFlag, type QueueToken } from "@demikernel/core";
import { group } from "../case.js";
import { connectedPair, limitSendBuffer, needsOf } from "../channels.js";
import { assertFailed } from "../failures.js";
import { randomBytes, sha256 } from "../payload.js";
import { acceptedFromNet, received } from "../peers.js";
import { assertIdle, completion, popOnce, turn, until } from "../turns.js";

const MiB = 1 << 20;

/** Rule 2, continued: what the device takes in pieces is one push to the application. */
export const shortWrites = group("rule 2: short writes are resumed inside", { needs: ["tcp"] }, (test) => {
  for (const framing of ["stream", "dmtr"] as const) {
    test(
      `a push larger than all buffers, and a slow reader: ${framing}`,
      async (ctx) => {
        const os = await ctx.open();
        const [client, server] = await connectedPair(ctx, os, { framing, maxMessage: 8 * MiB });
        limitSendBuffer(ctx, os, client);
        const sga = os.alloc([MiB, MiB, MiB - 1, MiB - 4095]);
        const parts = Array.from({ length: 4 }, (_, i) => randomBytes(ctx.random, os.sga.bytes(sga, i).length));
        for (const [i, part] of parts.entries()) os.sga.bytes(sga, i).set(part);
        const total = os.sga.length(sga);
        const push = os.push(client, sga);
        for (let i = 0; i < 20; i++) {
          assert.equal(os.poll(push), undefined, "nobody has read yet: the push cannot be done");
          await turn();
        }
        // The application may give the memory up now: the libOS keeps it alive until the last byte has left.
        os.free(sga);
        const hash: Buffer[] = [];
        for (let have = 0; have < total; ) {
          const done = await popOnce(ctx, os, server, framing === "stream" ? 65536 : 0);
          assert.ok(done.result > 0, `pop ended with ${done.result} after ${have} bytes`);
          have += done.result;
          hash.push(os.sga.copy(done.sga));
          os.free(done.sga);
        }
        assert.equal((await completion(ctx, os, push)).result, total, "the push reports all its bytes");
        assert.equal(sha256(...hash), sha256(...parts));
        os.close(client);
        os.close(server);
        await assertIdle(ctx, os);
      },
      { needs: needsOf(framing === "dmtr" ? "dmtr" : "tcp"), timeout: 10_000 },
    );
  }

  test(
    "pushes behind a short one wait their turn",
    async (ctx) => {
      const os = await ctx.open();
      const { qd, socket } = await acceptedFromNet(ctx, os);
      limitSendBuffer(ctx, os, qd);
      socket.pause();
      const inbox = received(socket);
      socket.pause();
      const big = randomBytes(ctx.random, MiB);
      const sent: Buffer[] = [];
      const pushes: QueueToken[] = [];
      for (let i = 0; i < 8; i++) {
        for (const data of [big, Buffer.from(`<${i}>`)]) {
          sent.push(data);
          pushes.push(os.push(qd, os.sga.from(data), PushFlag.FREE));
        }
      }
      for (let i = 0; i < 20; i++) {
        assert.equal(os.poll(pushes[15]), undefined, "the peer does not read: the last push cannot be done");
        await turn();
      }
      socket.resume();
      for (const [i, qt] of pushes.entries())
        assert.equal((await completion(ctx, os, qt)).result, sent[i].length, `push ${i}`);
      os.close(qd);
      await until(ctx, "the end of the stream at the peer", inbox.ended, os);
      assert.equal(sha256(inbox.bytes()), sha256(...sent));
      await assertIdle(ctx, os);
    },
    { needs: ["hostPeer"], timeout: 10_000 },
  );

  test(
    "a peer that is gone ends a push half sent, and its memory comes back",
    async (ctx) => {
      const os = await ctx.open();
      const { qd, socket } = await acceptedFromNet(ctx, os);
      limitSendBuffer(ctx, os, qd);
      socket.pause();
      const pushes = Array.from({ length: 8 }, () => os.push(qd, os.alloc(MiB), PushFlag.FREE));
      for (let i = 0; i < 20; i++) {
        assert.equal(os.poll(pushes[7]), undefined);
        await turn();
      }
      socket.resetAndDestroy();
      assertFailed(await completion(ctx, os, pushes[7]), ["ECONNRESET", "EPIPE"]);
      for (const qt of pushes.slice(0, 7)) await completion(ctx, os, qt);
      os.close(qd);
      await assertIdle(ctx, os);
    },
    { needs: ["hostPeer"] },
  );
});
