import assert from "node:assert/strict";
import { Opcode, PushFlag, type QueueDescriptor, type SocketOptionValues } from "@demikernel/core";
import { group } from "../case.js";
import { connectedPair, hasOption, listener, needsOf } from "../channels.js";
import { assertThrows } from "../failures.js";
import { randomBytes, sha256 } from "../payload.js";
import {
  assertIdle,
  closeAll,
  collect,
  completion,
  popBytes,
  popMessage,
  popOnce,
  pushBytes,
  sgaOf,
  take,
} from "../turns.js";

const families = [4, 6] as const;

export const sockets = group("stream sockets", { needs: ["tcp"] }, (test) => {
  for (const family of families) {
    const needs = needsOf("tcp", family);

    test(
      `an echo between two queues of one libOS: IPv${family}`,
      async (ctx) => {
        const os = await ctx.open();
        const [client, server] = await connectedPair(ctx, os, { family });
        for (let i = 0; i < 50; i++) {
          await pushBytes(ctx, os, client, `ping ${i}.`);
          const text = `ping ${i}.`;
          const done = await popBytes(ctx, os, server, text.length);
          assert.equal(done.toString(), text);
          await pushBytes(ctx, os, server, done);
          assert.equal((await popBytes(ctx, os, client, text.length)).toString(), text);
        }
        os.close(client);
        os.close(server);
        await assertIdle(ctx, os);
      },
      { needs },
    );

    test(
      `getsockname and getpeername agree on both ends: IPv${family}`,
      async (ctx) => {
        const os = await ctx.open();
        const server = listener(ctx, os, { family });
        assert.deepEqual(os.getsockname(server.qd), { host: ctx.host(family), port: server.port, family });
        assert.ok(server.port > 0, "port 0 was replaced by a real one");
        const client = os.socket("tcp", { family });
        const accepting = os.accept(server.qd);
        assert.equal((await completion(ctx, os, os.connect(client, server))).result, 0);
        const { newQd } = await completion(ctx, os, accepting);
        assert.deepEqual(os.getpeername(client), os.getsockname(newQd));
        assert.deepEqual(os.getpeername(newQd), os.getsockname(client));
        assert.equal(os.getpeername(client).port, server.port);
        assert.equal(os.getpeername(client).family, family);
        for (const qd of [server.qd, client, newQd]) os.close(qd);
        await assertIdle(ctx, os);
      },
      { needs },
    );

    test(
      `"localhost" is the loopback address of the socket's family: IPv${family}`,
      async (ctx) => {
        const os = await ctx.open();
        const server = listener(ctx, os, { family });
        const accepting = os.accept(server.qd);
        const client = os.socket("tcp", { family });
        assert.equal(
          (await completion(ctx, os, os.connect(client, { host: "localhost", port: server.port }))).result,
          0,
        );
        const accepted = await completion(ctx, os, accepting);
        assert.equal(accepted.result, 0);
        await closeAll(ctx, os, [server.qd, client, accepted.newQd]);
      },
      { needs: [...needs, "loopback", "hostPeer"] },
    );

    test(
      `a transfer both ways at once arrives whole: IPv${family}`,
      async (ctx) => {
        const os = await ctx.open();
        const [client, server] = await connectedPair(ctx, os, { family });
        const total = 8 << 20;
        const chunk = 50_000;
        const data = { [client]: randomBytes(ctx.random, total), [server]: randomBytes(ctx.random, total) };
        const sent = { [client]: 0, [server]: 0 };
        const got: Record<number, Buffer[]> = { [client]: [], [server]: [] };
        const have = { [client]: 0, [server]: 0 };
        const push = (qd: QueueDescriptor) => {
          if (sent[qd] >= total) return;
          const part = data[qd].subarray(sent[qd], sent[qd] + chunk);
          sent[qd] += part.length;
          os.push(qd, os.sga.from(part), PushFlag.FREE);
        };
        for (const qd of [client, server]) {
          for (let i = 0; i < 4; i++) push(qd);
          os.pop(qd);
        }
        while (have[client] < total || have[server] < total) {
          ctx.check(`${have[client]} and ${have[server]} of ${total} bytes`);
          os.turn((event) => {
            assert.ok(event.result > 0, `result ${event.result}`);
            if (event.opcode === Opcode.PUSH) return push(event.qd);
            have[event.qd] += event.result;
            got[event.qd].push(take(os, sgaOf(event)));
            if (have[event.qd] < total) os.pop(event.qd);
          }, 1);
        }
        assert.equal(sha256(...got[server]), sha256(data[client]));
        assert.equal(sha256(...got[client]), sha256(data[server]));
        os.close(client);
        os.close(server);
        os.turn(() => undefined);
        await assertIdle(ctx, os);
      },
      { needs, timeout: 10_000 },
    );
  }

  test(
    "256 connections at once, each with its own bytes",
    async (ctx) => {
      const os = await ctx.open();
      const server = listener(ctx, os);
      const count = 256;
      const clients = Array.from({ length: count }, () => os.socket("tcp"));
      for (let i = 0; i < count; i++) os.accept(server.qd);
      for (const qd of clients) os.connect(qd, server);
      const done = await collect(ctx, os, 2 * count);
      assert.ok(done.every((event) => event.result === 0));
      const accepted = done.filter((event) => event.opcode === Opcode.ACCEPT).map((event) => event.newQd);
      assert.equal(new Set(accepted).size, count);
      const byPort = new Map(accepted.map((qd) => [os.getpeername(qd).port, qd]));
      for (const qd of clients) os.push(qd, os.sga.from(`I am ${qd}`), PushFlag.FREE | PushFlag.QUIET);
      for (const qd of clients) {
        const peer = byPort.get(os.getsockname(qd).port);
        assert.ok(peer !== undefined);
        const text = `I am ${qd}`;
        assert.equal((await popBytes(ctx, os, peer, text.length)).toString(), text);
      }
      for (const qd of [...clients, ...accepted, server.qd]) os.close(qd);
      await assertIdle(ctx, os);
    },
    { timeout: 10_000 },
  );

  test(
    "connections come and go, hundreds of them",
    async (ctx) => {
      const os = await ctx.open();
      const server = listener(ctx, os);
      const count = (ctx.target.timeScale ?? 1) < 10 ? 1000 : 250;
      for (let i = 0; i < count; i += 10) {
        const clients = Array.from({ length: 10 }, () => os.socket("tcp"));
        const accepts = clients.map(() => os.accept(server.qd));
        for (const qt of clients.map((qd) => os.connect(qd, server)))
          assert.equal((await completion(ctx, os, qt)).result, 0);
        for (const qt of accepts) os.close((await completion(ctx, os, qt)).newQd);
        for (const qd of clients) {
          assert.equal((await popOnce(ctx, os, qd)).result, 0);
          os.close(qd);
        }
      }
      os.close(server.qd);
      await assertIdle(ctx, os);
    },
    { timeout: 10_000 },
  );

  test("connections queued before the first accept are accepted in turn", async (ctx) => {
    const os = await ctx.open();
    const server = listener(ctx, os);
    const clients: QueueDescriptor[] = [];
    for (let i = 0; i < 10; i++) {
      const qd = os.socket("tcp");
      assert.equal((await completion(ctx, os, os.connect(qd, server))).result, 0);
      await pushBytes(ctx, os, qd, `${i}`);
      clients.push(qd);
    }
    let order = "";
    for (let i = 0; i < 10; i++) {
      const { newQd } = await completion(ctx, os, os.accept(server.qd));
      order += (await popBytes(ctx, os, newQd, 1)).toString();
      clients.push(newQd);
    }
    assert.equal(order, "0123456789");
    await closeAll(ctx, os, [server.qd, ...clients]);
  });

  test("socket options are read back as they were set; one that cannot be set is ENOPROTOOPT", async (ctx) => {
    const os = await ctx.open();
    const [client, server] = await connectedPair(ctx, os);
    const fresh = os.socket("tcp");
    for (const qd of [client, server, fresh]) {
      assert.equal(os.getsockopt(qd, "nodelay"), true, "nodelay is on by default");
      for (const [name, values] of [
        ["nodelay", [false, true]],
        ["keepalive", [true, false]],
        ["linger", [5, 0, -1]],
      ] as [keyof SocketOptionValues, (boolean | number)[]][]) {
        for (const value of values) {
          os.setsockopt(qd, name, value);
          assert.equal(os.getsockopt(qd, name), value, name);
        }
      }
    }
    for (const [name, value] of [
      ["reuseport", true],
      ["reuseaddr", true],
      ["sndbuf", 65536],
      ["rcvbuf", 65536],
    ] as [keyof SocketOptionValues, boolean | number][]) {
      if (hasOption(ctx, name)) {
        os.setsockopt(fresh, name, value);
        assert.ok(os.getsockopt(fresh, name) >= value, `${name}: a size may be rounded up`);
      } else {
        assertThrows("ENOPROTOOPT", () => os.setsockopt(fresh, name, value));
      }
    }
    await closeAll(ctx, os, [client, server, fresh]);
  });

  test("a listener that closed leaves its port to the next, whatever became of its connections", async (ctx) => {
    const os = await ctx.open();
    const first = listener(ctx, os);
    const { host, port } = first;
    const pairs: [client: QueueDescriptor, server: QueueDescriptor][] = [];
    for (let i = 0; i < 3; i++) {
      const accepting = os.accept(first.qd);
      const client = os.socket("tcp");
      assert.equal((await completion(ctx, os, os.connect(client, { host, port }))).result, 0);
      pairs.push([client, (await completion(ctx, os, accepting)).newQd]);
    }
    // One that this side ended first, one that the other did, one that goes on.
    const [[clientA, serverA], [clientB, serverB], [clientC, serverC]] = pairs as [
      [QueueDescriptor, QueueDescriptor],
      [QueueDescriptor, QueueDescriptor],
      [QueueDescriptor, QueueDescriptor],
    ];
    os.close(serverA);
    assert.equal((await popOnce(ctx, os, clientA)).result, 0);
    os.close(clientA);
    os.close(clientB);
    assert.equal((await popOnce(ctx, os, serverB)).result, 0);
    os.close(serverB);
    os.close(first.qd);
    const second = os.socket("tcp");
    os.bind(second, { host, port });
    os.listen(second);
    const accepting = os.accept(second);
    const client = os.socket("tcp");
    assert.equal((await completion(ctx, os, os.connect(client, { host, port }))).result, 0);
    const { newQd } = await completion(ctx, os, accepting);
    for (const [from, to, text] of [
      [client, newQd, "the new one"],
      [clientC, serverC, "the old one"],
    ] as const) {
      await pushBytes(ctx, os, from, text);
      assert.equal((await popMessage(ctx, os, to)).toString(), text);
    }
    await closeAll(ctx, os, [client, newQd, second, clientC, serverC]);
  });

  test("a socket bound to a port connects from it", async (ctx) => {
    const os = await ctx.open();
    const server = listener(ctx, os);
    const client = os.socket("tcp");
    os.bind(client, { host: ctx.host(4), port: 0 });
    const { port } = os.getsockname(client);
    const accepting = os.accept(server.qd);
    assert.equal((await completion(ctx, os, os.connect(client, server))).result, 0);
    const { newQd } = await completion(ctx, os, accepting);
    if (port !== 0) assert.equal(os.getpeername(newQd).port, port);
    assert.equal(os.getpeername(newQd).port, os.getsockname(client).port);
    await closeAll(ctx, os, [server.qd, client, newQd]);
  });
});
