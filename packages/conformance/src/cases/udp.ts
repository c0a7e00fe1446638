import assert from "node:assert/strict";
import { PushFlag } from "@demikernel/core";
import { group } from "../case.js";
import { datagramPair, datagramSocket, needsOf } from "../channels.js";
import { outcome } from "../failures.js";
import { between, randomBytes } from "../payload.js";
import { dgramPeer } from "../peers.js";
import { assertIdle, closeAll, completion, popMessage, popOnce, take, turn, until } from "../turns.js";

export const datagrams = group("datagram sockets", { needs: ["udp"] }, (test) => {
  for (const family of [4, 6] as const) {
    const needs = needsOf("udp", family);

    test(
      `pushTo and pop carry addresses: IPv${family}`,
      async (ctx) => {
        const os = await ctx.open();
        const [a, b] = [datagramSocket(ctx, os, { family }), datagramSocket(ctx, os, { family })];
        const sent = await completion(ctx, os, os.pushTo(a.qd, os.sga.from("hello"), b, PushFlag.FREE));
        assert.equal(sent.result, 5);
        const done = await popOnce(ctx, os, b.qd);
        assert.equal(done.result, 5);
        assert.deepEqual(os.sga.address(done.sga), { host: a.host, port: a.port, family });
        assert.equal(take(os, done.sga).toString(), "hello");
        os.close(a.qd);
        os.close(b.qd);
        await assertIdle(ctx, os);
      },
      { needs },
    );

    test(
      `pushTo without an address answers to where the sga came from: IPv${family}`,
      async (ctx) => {
        const os = await ctx.open();
        const [a, b] = [datagramSocket(ctx, os, { family }), datagramSocket(ctx, os, { family })];
        os.pushTo(a.qd, os.sga.from("echo me"), b, PushFlag.FREE | PushFlag.QUIET);
        const request = await popOnce(ctx, os, b.qd);
        assert.equal((await completion(ctx, os, os.pushTo(b.qd, request.sga, undefined, PushFlag.FREE))).result, 7);
        const reply = await popOnce(ctx, os, a.qd);
        assert.deepEqual(os.sga.address(reply.sga), { host: b.host, port: b.port, family });
        assert.equal(take(os, reply.sga).toString(), "echo me");
        os.close(a.qd);
        os.close(b.qd);
        await assertIdle(ctx, os);
      },
      { needs },
    );

    test(
      `a node:dgram peer sends and receives: IPv${family}`,
      async (ctx) => {
        const os = await ctx.open();
        const peer = await dgramPeer(ctx, family);
        const { qd, host, port } = datagramSocket(ctx, os, { family });
        for (let i = 0; i < 20; i++) {
          const data = randomBytes(ctx.random, between(ctx.random, 1, 1400));
          peer.socket.send(data, port, host);
          const done = await popOnce(ctx, os, qd);
          assert.deepEqual(os.sga.address(done.sga), { host: peer.host, port: peer.port, family });
          assert.ok(os.sga.copy(done.sga).equals(data));
          os.pushTo(qd, done.sga, undefined, PushFlag.FREE | PushFlag.QUIET);
          await until(ctx, "the echo", () => {
            os.turn(() => assert.fail("a quiet push completed"));
            return peer.messages.length === i + 1;
          });
          assert.ok(peer.messages[i].data.equals(data));
          assert.equal(peer.messages[i].port, port);
        }
        os.close(qd);
        await assertIdle(ctx, os);
      },
      { needs: [...needs, "hostPeer"] },
    );

    test(
      `the largest datagram arrives whole, one byte more is EMSGSIZE: IPv${family}`,
      async (ctx) => {
        const os = await ctx.open();
        const [a, b] = [datagramSocket(ctx, os, { family }), datagramSocket(ctx, os, { family })];
        // 65535 less the headers of IPv4 and UDP; IPv6 does not count its own header.
        const size = ctx.target.maxDatagram?.(family) ?? (family === 4 ? 65_507 : 65_527);
        const data = randomBytes(ctx.random, size);
        assert.equal((await completion(ctx, os, os.pushTo(a.qd, os.sga.from(data), b, PushFlag.FREE))).result, size);
        const done = await popOnce(ctx, os, b.qd);
        assert.equal(done.result, size);
        assert.ok(take(os, done.sga).equals(data));
        const larger = os.alloc(size + 1);
        assert.equal(await outcome(ctx, os, () => os.pushTo(a.qd, larger, b, PushFlag.FREE)), "EMSGSIZE");
        os.close(a.qd);
        os.close(b.qd);
        await assertIdle(ctx, os);
      },
      { needs },
    );
  }

  test(
    "an empty datagram pops as 0 bytes with an sga and an address: it is no end of stream",
    async (ctx) => {
      const os = await ctx.open();
      const peer = await dgramPeer(ctx, 4);
      const { qd, host, port } = datagramSocket(ctx, os);
      peer.socket.send(Buffer.alloc(0), port, host);
      peer.socket.send("after it", port, host);
      const done = await popOnce(ctx, os, qd);
      assert.equal(done.result, 0);
      assert.notEqual(done.sga, 0);
      assert.equal(os.sga.length(done.sga), 0);
      assert.deepEqual(os.sga.address(done.sga), { host: peer.host, port: peer.port, family: 4 });
      os.free(done.sga);
      assert.equal((await popMessage(ctx, os, qd)).toString(), "after it");
      os.close(qd);
      await assertIdle(ctx, os);
    },
    { needs: ["hostPeer", "emptyDatagrams"] },
  );

  test("an empty push is refused with ENOMSG", async (ctx) => {
    const os = await ctx.open();
    const [a, b] = await datagramPair(ctx, os);
    const sga = os.sga.from("x");
    os.sga.trim(sga, 0, 0);
    assert.equal(await outcome(ctx, os, () => os.push(a, sga, PushFlag.FREE)), "ENOMSG");
    await closeAll(ctx, os, [a, b]);
  });

  test("a connected socket pushes without an address and hears its peer", async (ctx) => {
    const os = await ctx.open();
    const [a, b] = await datagramPair(ctx, os);
    assert.deepEqual(os.getpeername(a), os.getsockname(b));
    for (let i = 0; i < 10; i++) {
      os.push(a, os.sga.from(`${i}`), PushFlag.FREE | PushFlag.QUIET);
      const done = await popOnce(ctx, os, b);
      assert.deepEqual(os.sga.address(done.sga), os.getsockname(a));
      assert.equal(take(os, done.sga).toString(), `${i}`);
    }
    os.close(a);
    os.close(b);
    await assertIdle(ctx, os);
  });

  test("a socket that was not bound can send, and is answered", async (ctx) => {
    const os = await ctx.open();
    const server = datagramSocket(ctx, os);
    const client = os.socket("udp");
    os.pushTo(client, os.sga.from("who am I?"), server, PushFlag.FREE | PushFlag.QUIET);
    const done = await popOnce(ctx, os, server.qd);
    const from = os.sga.address(done.sga);
    assert.equal(from?.port, os.getsockname(client).port);
    os.pushTo(server.qd, done.sga, undefined, PushFlag.FREE | PushFlag.QUIET);
    assert.equal((await popMessage(ctx, os, client)).toString(), "who am I?");
    await closeAll(ctx, os, [server.qd, client]);
  });

  test("connect: what others sent before is not popped after", async (ctx) => {
    const os = await ctx.open();
    const [server, stranger, peer] = [datagramSocket(ctx, os), datagramSocket(ctx, os), datagramSocket(ctx, os)];
    // One is popped: all that was sent is there, and more than a pop takes at a time.
    for (let i = 0; i < 30; i++) {
      const from = i % 3 === 2 ? peer : stranger;
      os.pushTo(from.qd, os.sga.from(`${i}`), server, PushFlag.FREE | PushFlag.QUIET);
    }
    assert.equal((await popMessage(ctx, os, server.qd)).toString(), "0");
    assert.equal((await completion(ctx, os, os.connect(server.qd, peer))).result, 0);
    os.pushTo(stranger.qd, os.sga.from("after"), server, PushFlag.FREE | PushFlag.QUIET);
    os.pushTo(peer.qd, os.sga.from("the last"), server, PushFlag.FREE | PushFlag.QUIET);
    const popped: string[] = [];
    while (popped[popped.length - 1] !== "the last") popped.push((await popMessage(ctx, os, server.qd)).toString());
    assert.deepEqual(popped, [...Array.from({ length: 10 }, (_, i) => `${3 * i + 2}`), "the last"]);
    for (const { qd } of [server, stranger, peer]) os.close(qd);
    await assertIdle(ctx, os);
  });

  test(
    "localhost is an address for every call",
    async (ctx) => {
      const os = await ctx.open();
      for (const family of ctx.target.families?.includes(6) ? ([4, 6] as const) : ([4] as const)) {
        const [a, b] = [os.socket("udp", { family }), os.socket("udp", { family })];
        os.bind(b, { host: "localhost", port: 0 });
        const { port } = os.getsockname(b);
        os.pushTo(a, os.sga.from("to localhost"), { host: "localhost", port }, PushFlag.FREE | PushFlag.QUIET);
        assert.equal((await popMessage(ctx, os, b)).toString(), "to localhost");
        assert.equal((await completion(ctx, os, os.connect(a, { host: "localhost", port }))).result, 0);
        os.close(a);
        os.close(b);
      }
      await assertIdle(ctx, os);
    },
    { needs: ["loopback"] },
  );

  test("a datagram to a port nobody has does no harm to the next", async (ctx) => {
    const os = await ctx.open();
    const gone = datagramSocket(ctx, os);
    os.close(gone.qd);
    const [a, b] = [datagramSocket(ctx, os), datagramSocket(ctx, os)];
    for (let i = 0; i < 3; i++)
      await outcome(ctx, os, () => os.pushTo(a.qd, os.sga.from("nobody"), gone, PushFlag.FREE));
    for (let i = 0; i < 5; i++) await turn();
    // The refusal (ICMP) may end one later push with ECONNREFUSED; then the socket works on.
    let code = "";
    while (code !== "OK") {
      code = await outcome(ctx, os, () => os.pushTo(a.qd, os.sga.from("somebody"), b, PushFlag.FREE));
      ctx.check("a push that goes through");
    }
    assert.equal((await popMessage(ctx, os, b.qd)).toString(), "somebody");
    os.close(a.qd);
    os.close(b.qd);
    await assertIdle(ctx, os);
  });

  test(
    "several segments are one datagram",
    async (ctx) => {
      const os = await ctx.open();
      const peer = await dgramPeer(ctx, 4);
      const { qd } = datagramSocket(ctx, os);
      const sga = os.alloc([3, 2, 1]);
      for (const [i, text] of ["abc", "de", "f"].entries()) os.sga.bytes(sga, i).set(Buffer.from(text));
      os.pushTo(qd, sga, peer, PushFlag.FREE | PushFlag.QUIET);
      await until(ctx, "the datagram", () => {
        os.turn(() => assert.fail("a quiet push completed"));
        return peer.messages.length > 0;
      });
      assert.equal(peer.messages[0].data.toString(), "abcdef");
      os.close(qd);
      await assertIdle(ctx, os);
    },
    { needs: ["hostPeer"] },
  );

  test(
    "framed datagrams: one push is one pop with its segments, and what is no message is dropped",
    async (ctx) => {
      const os = await ctx.open();
      const peer = await dgramPeer(ctx, 4);
      const [a, b] = [datagramSocket(ctx, os, { framing: "dmtr" }), datagramSocket(ctx, os, { framing: "dmtr" })];
      const pop = os.pop(b.qd);
      for (const size of [1, 12, 100, 1400]) peer.socket.send(randomBytes(ctx.random, size), b.port, b.host);
      peer.socket.send(Buffer.alloc(64, 0xff), b.port, b.host);
      for (let i = 0; i < 20; i++) {
        assert.equal(os.poll(pop), undefined, "garbage is no message");
        await turn();
      }
      const sga = os.alloc([3, 300, 30]);
      for (let i = 0; i < 3; i++) os.sga.bytes(sga, i).fill(i + 1);
      os.pushTo(a.qd, sga, b, PushFlag.FREE | PushFlag.QUIET);
      const done = await completion(ctx, os, pop);
      assert.equal(done.result, 333);
      assert.deepEqual(os.sga.address(done.sga), { host: a.host, port: a.port, family: 4 });
      assert.equal(os.sga.segments(done.sga), 3);
      for (const [i, length] of [3, 300, 30].entries()) {
        assert.deepEqual(Buffer.from(os.sga.bytes(done.sga, i)), Buffer.alloc(length, i + 1));
      }
      os.free(done.sga);
      os.close(a.qd);
      os.close(b.qd);
      await assertIdle(ctx, os);
    },
    { needs: ["dmtr", "hostPeer"] },
  );
});
