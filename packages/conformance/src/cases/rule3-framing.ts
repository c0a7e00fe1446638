import assert from "node:assert/strict";
import { PushFlag } from "@demikernel/core";
import { group } from "../case.js";
import { connectedPair, needsOf } from "../channels.js";
import { assertCode, assertFailed, codeOf, outcome } from "../failures.js";
import { between, randomBytes, sha256 } from "../payload.js";
import { acceptedFromNet } from "../peers.js";
import { assertIdle, closeAll, popMessage, popOnce, pushBytes, turn, until } from "../turns.js";

const dmtr = { framing: "dmtr" } as const;

/** Rule 3, continued: one push is one pop over a stream, and a peer's header is not trusted. */
export const framing = group("rule 3: framed messages", { needs: needsOf("dmtr") }, (test) => {
  test("a framed message keeps its boundary and its segments", async (ctx) => {
    const os = await ctx.open();
    const [client, server] = await connectedPair(ctx, os, dmtr);
    const sizes = Array.from({ length: 16 }, () => between(ctx.random, 1, 3000));
    const sga = os.alloc(sizes);
    const parts = sizes.map((size) => randomBytes(ctx.random, size));
    for (const [i, part] of parts.entries()) os.sga.bytes(sga, i).set(part);
    os.push(client, sga, PushFlag.FREE | PushFlag.QUIET);
    os.push(client, os.sga.from("next"), PushFlag.FREE | PushFlag.QUIET);
    const done = await popOnce(ctx, os, server);
    assert.equal(
      done.result,
      sizes.reduce((a, b) => a + b),
    );
    assert.equal(os.sga.segments(done.sga), 16);
    for (const [i, part] of parts.entries())
      assert.deepEqual(Buffer.from(os.sga.bytes(done.sga, i)), part, `segment ${i}`);
    os.free(done.sga);
    assert.equal((await popMessage(ctx, os, server)).toString(), "next");
    os.close(client);
    os.close(server);
    await assertIdle(ctx, os);
  });

  test("messages up to maxMessage pass, in both directions", async (ctx) => {
    const os = await ctx.open();
    const [client, server] = await connectedPair(ctx, os, { ...dmtr, maxMessage: 200_000 });
    for (const size of [1, 4095, 4096, 65_536, 131_073, 200_000]) {
      const message = randomBytes(ctx.random, size);
      for (const [to, from] of [
        [client, server],
        [server, client],
      ]) {
        os.push(to, os.sga.from(message), PushFlag.FREE | PushFlag.QUIET);
        const done = await popOnce(ctx, os, from);
        assert.equal(done.result, size);
        assert.equal(sha256(os.sga.copy(done.sga)), sha256(message));
        os.free(done.sga);
      }
    }
    await closeAll(ctx, os, [client, server]);
  });

  test("a message above the receiver's maxMessage ends the connection with EMSGSIZE", async (ctx) => {
    const os = await ctx.open();
    const [client, server] = await connectedPair(ctx, os, { ...dmtr, maxMessage: 1000 });
    await pushBytes(ctx, os, client, Buffer.alloc(1000));
    assert.equal((await popMessage(ctx, os, server)).length, 1000);
    // The sender may refuse it itself, or the receiver finds it too long.
    const sent = await outcome(ctx, os, () => os.push(client, os.alloc(1001), PushFlag.FREE));
    assertCode(sent, ["OK", "EMSGSIZE"]);
    if (sent === "OK") {
      assertFailed(await popOnce(ctx, os, server), "EMSGSIZE");
      const after = await popOnce(ctx, os, server);
      assert.ok(after.result <= 0, "the connection has ended");
    }
    os.close(client);
    os.close(server);
    await assertIdle(ctx, os);
  });

  for (const [what, bytes] of [
    ["a web request", Buffer.from("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(10))],
    ["all ones", Buffer.alloc(4096, 0xff)],
    ["all zeros", Buffer.alloc(4096, 0)],
  ] as const) {
    test(
      `garbage instead of a header ends the connection with a code: ${what}`,
      async (ctx) => {
        const os = await ctx.open();
        const { qd, socket } = await acceptedFromNet(ctx, os, dmtr);
        socket.write(bytes);
        const done = await popOnce(ctx, os, qd);
        assertFailed(done, ["EMSGSIZE", "EILSEQ", "EPROTO", "EBADMSG"]);
        const again = await popOnce(ctx, os, qd);
        assert.ok(again.result <= 0, "no message comes out of garbage");
        os.close(qd);
        await assertIdle(ctx, os);
      },
      { needs: ["hostPeer"] },
    );
  }

  test(
    "random garbage never becomes a crash or a leak",
    async (ctx) => {
      const os = await ctx.open();
      for (let round = 0; round < 20; round++) {
        const { qd, socket } = await acceptedFromNet(ctx, os, { ...dmtr, maxMessage: 4096 });
        socket.end(randomBytes(ctx.random, between(ctx.random, 1, 500)));
        for (let pops = 0; pops < 3; pops++) {
          const done = await popOnce(ctx, os, qd);
          if (done.sga !== 0) os.free(done.sga);
          assert.ok(done.result <= 4096, codeOf(done));
        }
        os.close(qd);
      }
      await assertIdle(ctx, os);
    },
    { needs: ["hostPeer"], timeout: 10_000 },
  );

  test(
    "a message that stops half way ends with the connection, and its memory comes back",
    async (ctx) => {
      const os = await ctx.open();
      // A whole frame as bytes, as a plain socket sees it.
      const frame = await captureFrame();
      for (const cut of [1, Math.floor(frame.length / 2), frame.length - 1]) {
        const { qd, socket } = await acceptedFromNet(ctx, os, dmtr);
        socket.end(frame.subarray(0, cut));
        const done = await popOnce(ctx, os, qd);
        assert.ok(done.result <= 0, `${cut} bytes of a frame are no message`);
        assert.equal(done.sga, 0);
        os.close(qd);
      }
      const { qd, socket } = await acceptedFromNet(ctx, os, dmtr);
      // Byte by byte is a message all the same.
      for (const byte of frame) {
        socket.write(Buffer.of(byte));
        await turn();
      }
      assert.equal((await popMessage(ctx, os, qd)).toString(), "a frame");
      os.close(qd);
      await assertIdle(ctx, os);

      async function captureFrame(): Promise<Buffer> {
        const { qd: sender, socket: wire } = await acceptedFromNet(ctx, os, dmtr);
        const parts: Buffer[] = [];
        wire.on("data", (part: Buffer) => parts.push(part));
        let ended = false;
        wire.on("end", () => {
          ended = true;
        });
        await pushBytes(ctx, os, sender, "a frame");
        os.close(sender);
        await until(ctx, "the frame on the wire", () => ended, os);
        return Buffer.concat(parts);
      }
    },
    { needs: ["hostPeer"] },
  );
});
