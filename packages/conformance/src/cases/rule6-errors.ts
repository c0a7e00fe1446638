import assert from "node:assert/strict";
import { constants } from "node:os";
import { type LibOS, PushFlag, type QueueDescriptor, type SocketOptionValues } from "@demikernel/core";
import { group } from "../case.js";
import { hasOption, needsOf } from "../channels.js";
import { assertThrows, outcome, thrown } from "../failures.js";
import { assertIdle } from "../turns.js";

const loopback = { host: "127.0.0.1", port: 1 };

/** Rule 6: errors are POSIX names: negative in results, in DemiError when thrown. */
export const errors = group("rule 6: errors", { on: "runtime" }, (test) => {
  test("a thrown error is a DemiError with code, errno, syscall and qd", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    os.close(qd);
    const error = thrown(() => os.close(qd));
    assert.equal(error.name, "DemiError");
    assert.equal(error.code, "EBADF");
    assert.equal(error.errno, -constants.errno.EBADF);
    assert.equal(error.syscall, "close");
    assert.equal(error.qd, qd);
    assert.match(error.message, /^EBADF: close/);
  });

  test("an error without a queue has no qd", async (ctx) => {
    const os = await ctx.open();
    const error = thrown(() => os.alloc(-1));
    assert.equal(error.qd, undefined);
    assert.equal(error.syscall, "alloc");
  });

  test("a memory queue answers socket and file calls with a code", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    for (const call of [
      () => os.bind(qd, loopback),
      () => os.listen(qd),
      () => os.getsockname(qd),
      () => os.getpeername(qd),
      () => os.setsockopt(qd, "nodelay", true),
      () => os.getsockopt(qd, "nodelay"),
    ]) {
      assertThrows(["EOPNOTSUPP", "ENOTSOCK"], call);
    }
    assertThrows("ESPIPE", () => os.lseek(qd, 0));
    assertThrows("EINVAL", () => os.truncate(qd, 0));
    assert.equal(await outcome(ctx, os, () => os.accept(qd)), "EOPNOTSUPP");
    assert.equal(await outcome(ctx, os, () => os.connect(qd, loopback)), "EOPNOTSUPP");
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("pushTo on a queue without addresses pushes or is refused with a code", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const code = await outcome(ctx, os, () => os.pushTo(qd, os.sga.from("x"), loopback, PushFlag.FREE));
    assert.ok(["EOPNOTSUPP", "OK"].includes(code), code);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("arguments of the wrong kind are EINVAL and leave nothing behind", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const untyped = os as unknown as Record<string, (...args: unknown[]) => unknown>;
    for (const [name, ...args] of [
      ["socket", "sctp"],
      ["socket", undefined],
      ["socket", "tcp", { family: 5 }],
      ["socket", "tcp", { framing: "telegram" }],
      ["socket", "tcp", { framing: "dmtr", maxMessage: -1 }],
      ["socket", "tcp", { framing: "dmtr", maxMessage: 0 }],
      ["socket", "tcp", { framing: "dmtr", maxMessage: 1.5 }],
      ["setsockopt", qd, "no such option", true],
      ["getsockopt", qd, "no such option"],
      ["open", "", "sideways"],
      ["open", undefined],
      ["open", "a\0b"],
      ["bind", qd, { host: undefined, port: 1 }],
      ["bind", qd, undefined],
      ["connect", qd, undefined],
      ["alloc", undefined],
      ["alloc", null],
      ["alloc", "12"],
      ["waitAny", []],
      ["waitAny", undefined],
      ["waitAll", undefined],
      ["waitAll", ""],
      ["waitNext", 0],
      ["waitNext", -1],
      ["waitNext", 1.5],
      ["wait", 1, Number.NaN],
    ] as [string, ...unknown[]][]) {
      const error = thrown(() => untyped[name](...args));
      assert.ok(
        ["EINVAL", "EOPNOTSUPP", "EAFNOSUPPORT"].includes(error.code),
        `${name}(${JSON.stringify(args)}): ${error.code}`,
      );
    }
    for (const data of [undefined, 5]) assertThrows("EINVAL", () => os.sga.from(data as unknown as string));
    // No options at all are none.
    os.close(untyped.queue(null) as QueueDescriptor);
    // What is no number takes no token along.
    for (let i = 0; i < 3; i++) assert.throws(() => untyped.pop(qd, 10n));
    assert.equal(os.stats().outstanding, 0);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  for (const [feature, open] of [
    ["tcp", (os: LibOS) => os.socket("tcp")],
    ["udp", (os: LibOS) => os.socket("udp")],
    ["files", (os: LibOS) => os.open("/dev/null")],
  ] as const) {
    test(
      `a backend without ${feature} says so with a code`,
      async (ctx) => {
        const os = await ctx.open();
        if (feature === "files" && ctx.target.features.logs) {
          os.close(os.open(`opened-${ctx.seed}`, "a+"));
        } else if (ctx.target.features[feature]) {
          // It has it: /dev/null and sockets can be opened at all.
          os.close(open(os));
        } else {
          assertThrows(["EOPNOTSUPP", "EAFNOSUPPORT", "EPROTONOSUPPORT"], () => open(os));
          if (feature === "files") assertThrows("EOPNOTSUPP", () => os.unlink("x"));
        }
        assert.equal(os.stats().queues, 0);
      },
      { on: "queues" },
    );
  }

  test(
    "a listener and an unconnected socket answer data calls with a code",
    async (ctx) => {
      const os = await ctx.open();
      const fresh = os.socket("tcp");
      assert.equal(await outcome(ctx, os, () => os.push(fresh, os.sga.from("x"), PushFlag.FREE)), "ENOTCONN");
      assert.equal(await outcome(ctx, os, () => os.pop(fresh)), "ENOTCONN");
      assert.equal(await outcome(ctx, os, () => os.accept(fresh)), "EINVAL");
      assertThrows("ENOTCONN", () => os.getpeername(fresh));
      os.bind(fresh, { host: ctx.host(4), port: 0 });
      os.listen(fresh);
      for (const start of [
        () => os.push(fresh, os.sga.from("x"), PushFlag.FREE),
        () => os.pop(fresh),
        () => os.connect(fresh, { host: ctx.host(4), port: 9 }),
      ]) {
        const code = await outcome(ctx, os, start);
        assert.ok(["EOPNOTSUPP", "ENOTCONN", "EINVAL", "EISCONN"].includes(code), code);
      }
      assertThrows("ESPIPE", () => os.lseek(fresh, 0));
      os.close(fresh);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp") },
  );

  test(
    "a datagram socket has no listen and no accept",
    async (ctx) => {
      const os = await ctx.open();
      const qd = os.socket("udp");
      assertThrows("EOPNOTSUPP", () => os.listen(qd));
      assert.equal(await outcome(ctx, os, () => os.accept(qd)), "EOPNOTSUPP");
      os.close(qd);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("udp") },
  );

  test(
    "option values out of range are EINVAL",
    async (ctx) => {
      const os = await ctx.open();
      const qd = os.socket("tcp");
      const set = os.setsockopt.bind(os) as (qd: number, name: keyof SocketOptionValues, value: unknown) => void;
      for (const [name, value] of [
        ["sndbuf", -1],
        ["rcvbuf", 1.5],
        ["linger", Number.NaN],
        ["linger", -2],
        ["nodelay", "yes"],
        ["rcvbuf", undefined],
      ] as const) {
        const { code } = thrown(() => set(qd, name, value));
        // What cannot be set at all may say so first.
        if (code !== "ENOPROTOOPT" || hasOption(ctx, name)) assert.equal(code, "EINVAL", `${name} = ${value}`);
      }
      os.close(qd);
    },
    { needs: needsOf("tcp") },
  );
});
