import assert from "node:assert/strict";
import { constants } from "node:os";
import { type LibOS, PushFlag, type QueueDescriptor, type QueueToken } from "@demikernel/core";
import { type CaseContext, group } from "../case.js";
import { connectedPair, limitSendBuffer, needsOf, streamKinds } from "../channels.js";
import { between, randomBytes, sha256 } from "../payload.js";
import { acceptedFromNet, received } from "../peers.js";
import { assertIdle, closeAll, popOnce, turn, until } from "../turns.js";

const MiB = 1 << 20;
const ECONNABORTED = -constants.errno.ECONNABORTED;

interface Filled {
  /** What completed, in order. */
  taken: Buffer[];
  /** One more push did not complete, because nobody reads: it is left under way, dropped. */
  pending: boolean;
}

/** Pushes messages until one does not complete, or there were `most` bytes. */
async function fill(ctx: CaseContext, os: LibOS, qd: QueueDescriptor, most: number): Promise<Filled> {
  const taken: Buffer[] = [];
  const source = randomBytes(ctx.random, 200_000);
  for (let bytes = 0; bytes < most; ) {
    const start = between(ctx.random, 0, 100_000);
    const message = source.subarray(start, start + between(ctx.random, 1, 100_000));
    const qt = os.push(qd, os.sga.from(message), PushFlag.FREE);
    let done = os.poll(qt);
    for (let turns = 0; done === undefined && turns < 30; turns++) {
      await turn();
      done = os.poll(qt);
    }
    if (done === undefined) {
      os.drop(qt);
      return { taken, pending: true };
    }
    assert.equal(done.result, message.length);
    taken.push(message);
    bytes += message.length;
  }
  return { taken, pending: false };
}

/** Rule 4, continued: what completed before close() arrives. */
export const closeDelivers = group("rule 4: close delivers what was pushed", { needs: ["tcp"] }, (test) => {
  for (const kind of streamKinds) {
    const options = { framing: kind === "dmtr" ? "dmtr" : "stream", maxMessage: 8 * MiB } as const;

    for (const after of ["", ", and the peer goes on sending"]) {
      test(
        `with bytes unread${after}: ${kind}`,
        async (ctx) => {
          const os = await ctx.open();
          for (let round = 0; round < 4; round++) {
            const ends = await connectedPair(ctx, os, options);
            const [client, server] = ctx.random() < 0.5 ? ends : [ends[1], ends[0]];
            // Nothing, a byte, more than a window: what the one that closes, here called the server, never reads.
            const unread = [0, 1, between(ctx.random, 2, 300_000), between(ctx.random, 2, 300_000)][round] as number;
            if (unread > 0) os.push(client, os.sga.from(Buffer.alloc(unread)), PushFlag.FREE | PushFlag.QUIET);
            for (let i = 0; i < 5; i++) {
              os.turn(() => assert.fail("a completion nobody expected"));
              await turn();
            }
            const { taken: sent, pending } = await fill(ctx, os, server, 3 * MiB);
            os.close(server);
            const ignored: QueueToken[] = [];
            if (after !== "") {
              for (let i = 0; i < 20; i++) ignored.push(os.push(client, os.alloc(10_000), PushFlag.FREE));
            }
            const got: Buffer[] = [];
            let have = 0;
            const want = sent.reduce((sum, message) => sum + message.length, 0);
            let end = 1;
            while (end > 0) {
              const { result, sga } = await popOnce(ctx, os, client);
              end = result;
              if (result <= 0) continue;
              got.push(os.sga.copy(sga));
              os.free(sga);
              have += result;
            }
            assert.ok(have >= want, `${have} bytes arrived of ${want} that were pushed, then ${end}; ${unread} unread`);
            assert.equal(sha256(Buffer.concat(got).subarray(0, want)), sha256(...sent));
            // A push that had not completed may have been cut in two: where messages are framed, that is no message.
            assert.ok(end === 0 || (pending && end === ECONNABORTED), `then comes the end, not ${end}`);
            for (const qt of ignored) os.drop(qt);
            await closeAll(ctx, os, [client]);
          }
          await assertIdle(ctx, os);
        },
        { needs: needsOf(kind), timeout: 20_000 },
      );
    }
  }

  test(
    "to a peer of the host's, which reads only later",
    async (ctx) => {
      const os = await ctx.open();
      for (const unread of [0, 1, between(ctx.random, 2, 200_000)]) {
        const { qd, socket } = await acceptedFromNet(ctx, os);
        if (unread > 0) socket.write(Buffer.alloc(unread));
        for (let i = 0; i < 5; i++) {
          os.turn(() => assert.fail("a completion nobody expected"));
          await turn();
        }
        const { taken: sent } = await fill(ctx, os, qd, 2 * MiB);
        os.close(qd);
        let error: Error | undefined;
        socket.on("error", (failure) => {
          error = failure;
        });
        socket.write("more, after the end");
        const inbox = received(socket);
        await until(ctx, `${unread} unread: the end, or an error`, () => inbox.ended() || error !== undefined, os);
        const want = Buffer.concat(sent);
        assert.equal(error, undefined);
        assert.ok(inbox.bytes().length >= want.length, `${inbox.bytes().length} bytes arrived of ${want.length}`);
        assert.equal(sha256(inbox.bytes().subarray(0, want.length)), sha256(want));
        socket.destroy();
      }
      await assertIdle(ctx, os);
    },
    { needs: ["tcp", "hostPeer", "halfClose"], timeout: 20_000 },
  );

  test(
    "linger waits for nobody: close() and what follows go on at once",
    async (ctx) => {
      const os = await ctx.open();
      const [client, server] = await connectedPair(ctx, os);
      limitSendBuffer(ctx, os, client);
      os.setsockopt(client, "linger", 4);
      await fill(ctx, os, client, 8 * MiB);
      const begun = performance.now();
      os.close(client);
      const took = performance.now() - begun;
      assert.ok(took < ctx.scaled(1000), `close() took ${took} ms`);
      await closeAll(ctx, os, [server]);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp"), timeout: 10_000 },
  );

  test(
    "linger and destroy(): at once, too",
    async (ctx) => {
      const os = await ctx.open({});
      const [client] = await connectedPair(ctx, os);
      limitSendBuffer(ctx, os, client);
      os.setsockopt(client, "linger", 4);
      await fill(ctx, os, client, 8 * MiB);
      const begun = performance.now();
      os.destroy();
      const took = performance.now() - begun;
      assert.ok(took < ctx.scaled(3000), `destroy() took ${took} ms`);
    },
    { needs: needsOf("tcp"), own: true, timeout: 10_000 },
  );
});
