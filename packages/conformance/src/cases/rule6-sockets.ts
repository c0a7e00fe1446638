import assert from "node:assert/strict";
import { type Address, PushFlag } from "@demikernel/core";
import { group } from "../case.js";
import { connectedPair, datagramSocket, hasOption, listener, needsOf } from "../channels.js";
import { assertCode, assertFailed, assertRejects, assertThrows, codeOf, outcome, thrown } from "../failures.js";
import { acceptedFromNet } from "../peers.js";
import { assertIdle, closeAll, completion, popOnce, turn } from "../turns.js";

/** Rule 6, continued: the errors of the network. */
export const socketErrors = group("rule 6: errors of sockets", {}, (test) => {
  test(
    "connecting to a port nobody listens on is ECONNREFUSED",
    async (ctx) => {
      const os = await ctx.open();
      // A port that was ours a moment ago is nobody's now, or, once in a while, another program's.
      const outcomes: string[] = [];
      for (
        let tries = 0;
        tries < 3 && (tries === 0 || outcomes.slice(-3).some((code) => code !== "ECONNREFUSED"));
        tries++
      ) {
        const { qd: gone, host, port } = listener(ctx, os);
        os.close(gone);
        for (let i = 0; i < 3; i++) {
          const qd = os.socket("tcp");
          outcomes.push(await outcome(ctx, os, () => os.connect(qd, { host, port })));
          os.close(qd);
        }
      }
      assert.deepEqual(outcomes.slice(-3), ["ECONNREFUSED", "ECONNREFUSED", "ECONNREFUSED"]);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "an address in use is EADDRINUSE",
    async (ctx) => {
      const os = await ctx.open();
      const { qd: first, host, port } = listener(ctx, os);
      const second = os.socket("tcp");
      assertThrows("EADDRINUSE", () => {
        os.bind(second, { host, port });
        os.listen(second);
      });
      const [a, b] = [os.socket("udp"), os.socket("udp")];
      os.bind(a, { host, port: 0 });
      const error = thrown(() => os.bind(b, { host, port: os.getsockname(a).port }));
      assert.equal(error.code, "EADDRINUSE");
      assert.equal(error.syscall, "bind");
      assert.equal(error.qd, b);
      for (const qd of [first, second, a, b]) os.close(qd);
      await assertIdle(ctx, os);
    },
    { needs: ["tcp", "udp"] },
  );

  test(
    "an address this machine does not have is EADDRNOTAVAIL",
    async (ctx) => {
      const os = await ctx.open();
      const qd = os.socket("tcp");
      // 192.0.2.0/24 is for documentation (RFC 5737): nobody has it.
      assertThrows("EADDRNOTAVAIL", () => os.bind(qd, { host: "192.0.2.1", port: 0 }));
      os.close(qd);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "names, broken addresses and impossible ports are EINVAL",
    async (ctx) => {
      const os = await ctx.open();
      const qd = os.socket("tcp");
      for (const host of [
        "example.com",
        "",
        "127.0.0",
        "127.0.0.1.1",
        "256.0.0.1",
        "1.2.3.4 ",
        "fe80::1%zone",
        "::g",
        "127.0.0.1\0x",
      ]) {
        assert.equal(thrown(() => os.bind(qd, { host, port: 0 })).code, "EINVAL", `bind "${host}"`);
        assert.equal(await outcome(ctx, os, () => os.connect(qd, { host, port: 9 })), "EINVAL", `connect "${host}"`);
      }
      for (const to of [undefined, null, {}, { host: undefined }, { host: 7 }, { host: ["127.0.0.1"] }, { host: {} }]) {
        const address = { port: 9, ...to } as unknown as Address;
        assertThrows("EINVAL", () => os.bind(qd, address));
        assertThrows("EINVAL", () => os.connect(qd, address));
        await assertRejects("EINVAL", os.async.connect(qd, address));
      }
      for (const port of [-1, 65536, 1.5, Number.NaN, 2 ** 32]) {
        assert.equal(thrown(() => os.bind(qd, { host: "127.0.0.1", port })).code, "EINVAL", `bind port ${port}`);
        assert.equal(
          await outcome(ctx, os, () => os.connect(qd, { host: "127.0.0.1", port })),
          "EINVAL",
          `connect port ${port}`,
        );
      }
      os.close(qd);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "reuseaddr switched off before bind stays off: a second socket on the port is EADDRINUSE",
    async (ctx) => {
      const os = await ctx.open();
      const [a, b] = [os.socket("tcp"), os.socket("tcp")];
      for (const qd of [a, b]) {
        if (hasOption(ctx, "reuseaddr")) os.setsockopt(qd, "reuseaddr", false);
        else assertThrows("ENOPROTOOPT", () => os.setsockopt(qd, "reuseaddr", false));
      }
      os.bind(a, { host: ctx.host(4), port: 0 });
      if (hasOption(ctx, "reuseaddr")) assert.equal(os.getsockopt(a, "reuseaddr"), false);
      const taken = { host: ctx.host(4), port: os.getsockname(a).port };
      if (hasOption(ctx, "reuseaddr")) assertThrows("EADDRINUSE", () => os.bind(b, taken));
      else {
        // Where there is no such option, at the latest when both listen.
        assertThrows("EADDRINUSE", () => {
          os.bind(b, taken);
          os.listen(a);
          os.listen(b);
        });
      }
      os.close(a);
      os.close(b);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "an address of the other family is EINVAL or EAFNOSUPPORT",
    async (ctx) => {
      const os = await ctx.open();
      const [four, six] = [os.socket("tcp"), os.socket("tcp", { family: 6 })];
      const codes = ["EINVAL", "EAFNOSUPPORT"];
      assertThrows(codes, () => os.bind(four, { host: "::1", port: 0 }));
      assertThrows(codes, () => os.bind(six, { host: "127.0.0.1", port: 0 }));
      assertCode(await outcome(ctx, os, () => os.connect(four, { host: "::1", port: 9 })), codes);
      os.close(four);
      os.close(six);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp", 6) },
  );

  test(
    "connecting a connected socket is EISCONN; it stays connected",
    async (ctx) => {
      const os = await ctx.open();
      const server = listener(ctx, os);
      const [client, accepted] = await connectedPair(ctx, os);
      assert.equal(await outcome(ctx, os, () => os.connect(client, server)), "EISCONN");
      os.push(client, os.sga.from("still here"), PushFlag.FREE | PushFlag.QUIET);
      const done = await popOnce(ctx, os, accepted);
      assert.equal(done.result, 10);
      os.free(done.sga);
      for (const qd of [server.qd, client, accepted]) os.close(qd);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "a second connect while the first is under way is EALREADY or EISCONN",
    async (ctx) => {
      const os = await ctx.open();
      const server = listener(ctx, os);
      const qd = os.socket("tcp");
      const first = os.connect(qd, server);
      assertCode(await outcome(ctx, os, () => os.connect(qd, server)), ["EALREADY", "EISCONN"]);
      assert.equal((await completion(ctx, os, first)).result, 0);
      await closeAll(ctx, os, [server.qd, qd]);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "binding twice is EINVAL",
    async (ctx) => {
      const os = await ctx.open();
      const { qd } = listener(ctx, os);
      assertThrows("EINVAL", () => os.bind(qd, { host: ctx.host(4), port: 0 }));
      os.close(qd);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "a reset ends pops with ECONNRESET and pushes with ECONNRESET or EPIPE",
    async (ctx) => {
      const os = await ctx.open();
      const { qd, socket } = await acceptedFromNet(ctx, os);
      const pops = [os.pop(qd), os.pop(qd)];
      os.turn(() => assert.fail("nothing to pop"));
      socket.resetAndDestroy();
      assertFailed(await completion(ctx, os, pops[0]), "ECONNRESET");
      const second = await completion(ctx, os, pops[1]);
      assert.ok(second.result <= 0, "the connection has ended");
      let code = "OK";
      while (code === "OK") {
        code = await outcome(ctx, os, () => os.push(qd, os.sga.from("anybody?"), PushFlag.FREE));
        ctx.check("a push to fail");
        await turn();
      }
      assertCode(code, ["ECONNRESET", "EPIPE"]);
      os.close(qd);
      await assertIdle(ctx, os);
    },
    { needs: ["tcp", "hostPeer"] },
  );

  test(
    "pushing to a peer that has closed ends with EPIPE or ECONNRESET, never with a signal",
    async (ctx) => {
      const os = await ctx.open();
      const [client, server] = await connectedPair(ctx, os);
      os.close(server);
      let code = "OK";
      while (code === "OK") {
        code = await outcome(ctx, os, () => os.push(client, os.sga.from("x"), PushFlag.FREE));
        ctx.check("a push to fail");
        await turn();
      }
      assertCode(code, ["EPIPE", "ECONNRESET"]);
      os.close(client);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "a datagram without a destination is EDESTADDRREQ, one too large EMSGSIZE",
    async (ctx) => {
      const os = await ctx.open();
      const { qd, host } = datagramSocket(ctx, os);
      assertCode(await outcome(ctx, os, () => os.push(qd, os.sga.from("to whom?"), PushFlag.FREE)), [
        "EDESTADDRREQ",
        "ENOTCONN",
      ]);
      const large = os.alloc(65_508);
      assert.equal(await outcome(ctx, os, () => os.pushTo(qd, large, { host, port: 9 }, PushFlag.FREE)), "EMSGSIZE");
      const sga = os.sga.from("x");
      for (const port of [-1, 65536, 1.5]) assertThrows("EINVAL", () => os.pushTo(qd, sga, { host, port }));
      for (const host of ["example.com", "", "fe80::1%no such interface", "fe80::1%", undefined, 7, {}, ["1.2.3.4"]]) {
        assertThrows("EINVAL", () => os.pushTo(qd, sga, { host: host as string, port: 9 }));
      }
      os.free(sga);
      os.close(qd);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("udp") },
  );

  test(
    "a socket that failed to connect can be closed, its pending operations get a code",
    async (ctx) => {
      const os = await ctx.open();
      const { qd: gone, host, port } = listener(ctx, os);
      os.close(gone);
      const qd = os.socket("tcp");
      const connect = os.connect(qd, { host, port });
      const pop = os.pop(qd);
      assertFailed(await completion(ctx, os, connect), "ECONNREFUSED");
      const done = await completion(ctx, os, pop);
      assert.ok(done.result < 0, codeOf(done));
      os.close(qd);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp") },
  );
});
