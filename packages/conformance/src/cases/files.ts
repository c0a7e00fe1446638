import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PushFlag } from "@demikernel/core";
import { type CaseContext, group } from "../case.js";
import { assertFailed, assertThrows, codeOf, outcome } from "../failures.js";
import { between, randomBytes, sha256 } from "../payload.js";
import { assertIdle, completion, popBytes, popOnce, pushBytes, sgaOf, take } from "../turns.js";

function scratch(ctx: CaseContext): string {
  const dir = mkdtempSync(join(tmpdir(), "demikernel-conformance-"));
  ctx.defer(() => rmSync(dir, { recursive: true, force: true }));
  return join(dir, "file");
}

export const files = group("files", { needs: ["files"] }, (test) => {
  test("what is pushed is in the file, in order", async (ctx) => {
    const os = await ctx.open();
    const path = scratch(ctx);
    const qd = os.creat(path);
    const parts = Array.from({ length: 50 }, () => randomBytes(ctx.random, between(ctx.random, 1, 20_000)));
    const pushes = parts.map((part) => os.push(qd, os.sga.from(part), PushFlag.FREE));
    for (const [i, qt] of pushes.entries()) assert.equal((await completion(ctx, os, qt)).result, parts[i].length);
    assert.equal(sha256(readFileSync(path)), sha256(...parts));
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("pops read from the cursor on, up to their limit, until the end: 0, every time", async (ctx) => {
    const os = await ctx.open();
    const path = scratch(ctx);
    writeFileSync(path, "0123456789");
    const qd = os.open(path);
    const first = await popOnce(ctx, os, qd, 4);
    assert.equal(take(os, first.sga).toString(), "0123");
    assert.equal((await popBytes(ctx, os, qd, 6)).toString(), "456789");
    for (let i = 0; i < 3; i++) {
      const end = await popOnce(ctx, os, qd);
      assert.equal(end.result, 0);
      assert.equal(end.sga, 0);
    }
    assert.equal(os.lseek(qd, 7), 7);
    assert.equal((await popBytes(ctx, os, qd, 3)).toString(), "789");
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("several pops at once read on from one another", async (ctx) => {
    const os = await ctx.open();
    const path = scratch(ctx);
    writeFileSync(path, "aaaabbbbcccc");
    const qd = os.open(path);
    const pops = [os.pop(qd, 4), os.pop(qd, 4), os.pop(qd, 4), os.pop(qd, 4)];
    const texts: string[] = [];
    for (const qt of pops) {
      const done = await completion(ctx, os, qt);
      assert.ok(done.result >= 0, codeOf(done));
      texts.push(done.result === 0 ? "end" : take(os, done.sga).toString());
    }
    assert.deepEqual(texts, ["aaaa", "bbbb", "cccc", "end"]);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("lseek moves the cursor as in lseek(2)", async (ctx) => {
    const os = await ctx.open();
    const path = scratch(ctx);
    writeFileSync(path, "0123456789");
    const qd = os.open(path, "r+");
    assert.equal(os.lseek(qd, 0, "cur"), 0);
    assert.equal(os.lseek(qd, 3), 3);
    assert.equal(os.lseek(qd, 2, "cur"), 5);
    assert.equal(os.lseek(qd, -1, "end"), 9);
    assert.equal((await popBytes(ctx, os, qd, 1)).toString(), "9");
    assertThrows("EINVAL", () => os.lseek(qd, -1));
    assertThrows("EINVAL", () => os.lseek(qd, 0.5));
    assertThrows("EINVAL", () => os.lseek(qd, 0, "sideways" as never));
    assert.equal(os.lseek(qd, 0, "cur"), 10, "a refused lseek moves nothing");
    assert.equal(os.lseek(qd, 4 * 2 ** 30), 4 * 2 ** 30, "positions beyond 32 bits");
    assert.equal((await popOnce(ctx, os, qd)).result, 0, "beyond the end is the end");
    os.close(qd);
  });

  test("a push appends with flag a, and a pop reads from the cursor", async (ctx) => {
    const os = await ctx.open();
    const path = scratch(ctx);
    writeFileSync(path, "old ");
    const qd = os.open(path, "a+");
    await pushBytes(ctx, os, qd, "new");
    assert.equal(readFileSync(path, "utf8"), "old new");
    os.lseek(qd, 0);
    assert.equal((await popBytes(ctx, os, qd, 7)).toString(), "old new");
    os.close(qd);
  });

  test("pushes write where the cursor is", async (ctx) => {
    const os = await ctx.open();
    const path = scratch(ctx);
    writeFileSync(path, "0123456789");
    const qd = os.open(path, "r+");
    os.lseek(qd, 4);
    await pushBytes(ctx, os, qd, "AB");
    await pushBytes(ctx, os, qd, "C");
    assert.equal(readFileSync(path, "utf8"), "0123ABC789");
    os.close(qd);
  });

  test("truncate cuts and extends", async (ctx) => {
    const os = await ctx.open();
    const path = scratch(ctx);
    const qd = os.creat(path);
    await pushBytes(ctx, os, qd, "0123456789");
    os.truncate(qd, 4);
    assert.equal(readFileSync(path, "utf8"), "0123");
    os.truncate(qd, 6);
    assert.deepEqual(readFileSync(path), Buffer.from("0123\0\0"));
    assertThrows("EINVAL", () => os.truncate(qd, -1));
    os.close(qd);
    assertThrows("EBADF", () => os.truncate(qd, 0));
  });

  test("creat empties what is there; open does not", async (ctx) => {
    const os = await ctx.open();
    const path = scratch(ctx);
    writeFileSync(path, "old");
    os.close(os.open(path, "r+"));
    assert.equal(readFileSync(path, "utf8"), "old");
    os.close(os.creat(path, { mode: 0o600 }));
    assert.equal(readFileSync(path, "utf8"), "");
    rmSync(path);
    os.close(os.creat(path, { mode: 0o600 }));
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  test("unlink: the name is gone, what is open stays, and what is made by the name is empty", async (ctx) => {
    const os = await ctx.open();
    const path = scratch(ctx);
    const qd = os.open(path, "w+");
    await pushBytes(ctx, os, qd, "kept while it is open");
    os.unlink(path);
    assert.equal(existsSync(path), false);
    assertThrows("ENOENT", () => os.open(path));
    assertThrows("ENOENT", () => os.unlink(path));
    const anew = os.creat(path);
    assert.equal((await popOnce(ctx, os, anew)).result, 0);
    os.lseek(qd, 0);
    assert.equal((await popBytes(ctx, os, qd, 21)).toString(), "kept while it is open");
    await pushBytes(ctx, os, qd, "!");
    assert.equal(readFileSync(path, "utf8"), "");
    os.close(qd);
    os.close(anew);
    await assertIdle(ctx, os);
  });

  test("unlink: what is no name of a file", async (ctx) => {
    const os = await ctx.open();
    const path = scratch(ctx);
    writeFileSync(path, "");
    for (const wrong of ["", "a\0b", undefined as never]) assertThrows("EINVAL", () => os.unlink(wrong));
    assertThrows("ENAMETOOLONG", () => os.unlink(`${path}${"x".repeat(256)}`));
    assertThrows("ENOTDIR", () => os.unlink(join(path, "below")));
    assertThrows(["EISDIR", "EPERM"], () => os.unlink(join(path, "..")));
    assert.ok(existsSync(path));
  });

  test("durable pushes are in the file when they complete", async (ctx) => {
    const os = await ctx.open();
    const path = scratch(ctx);
    const qd = os.creat(path, { durable: true });
    for (let i = 0; i < 5; i++) {
      await pushBytes(ctx, os, qd, `record ${i}\n`);
      assert.equal(readFileSync(path, "utf8").split("\n").length - 1, i + 1);
    }
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("several megabytes in segments arrive whole", async (ctx) => {
    const os = await ctx.open();
    const path = scratch(ctx);
    const qd = os.creat(path);
    const sga = os.alloc([1 << 20, 1 << 20, 777_777, 1]);
    for (let i = 0; i < 4; i++) os.sga.bytes(sga, i).set(randomBytes(ctx.random, os.sga.bytes(sga, i).length));
    const expected = sha256(os.sga.copy(sga));
    const size = os.sga.length(sga);
    assert.equal((await completion(ctx, os, os.push(qd, sga, PushFlag.FREE))).result, size);
    os.lseek(qd, 0);
    assert.equal(sha256(await popBytes(ctx, os, qd, size)), expected);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("errors by name: ENOENT, EEXIST, EISDIR, EBADF for the wrong direction", async (ctx) => {
    const os = await ctx.open();
    const path = scratch(ctx);
    assertThrows("ENOENT", () => os.open(path));
    const made = os.open(path, "wx");
    assertThrows("EEXIST", () => os.open(path, "wx"));
    assertThrows("EISDIR", () => os.open(join(path, ".."), "w"));
    assertThrows("ENOTDIR", () => os.open(join(path, "below"), "w"));
    assert.equal(await outcome(ctx, os, () => os.pop(made)), "EBADF");
    const reading = os.open(path);
    assert.equal(await outcome(ctx, os, () => os.push(reading, os.sga.from("x"), PushFlag.FREE)), "EBADF");
    for (const call of [
      () => os.bind(made, { host: "127.0.0.1", port: 0 }),
      () => os.listen(made),
      () => os.getsockname(made),
      () => os.getsockopt(made, "nodelay"),
    ]) {
      assertThrows(["EOPNOTSUPP", "ENOTSOCK"], call);
    }
    assert.equal(await outcome(ctx, os, () => os.accept(made)), "EOPNOTSUPP");
    os.close(made);
    os.close(reading);
    await assertIdle(ctx, os);
  });

  test("close with operations pending ends them, done or ECANCELED, and nothing leaks", async (ctx) => {
    const os = await ctx.open();
    const path = scratch(ctx);
    const qd = os.creat(path);
    const size = 100_000;
    const tokens = Array.from({ length: 20 }, (_, i) =>
      i % 4 === 3 ? os.pop(qd) : os.push(qd, os.alloc(size), PushFlag.FREE),
    );
    os.poll(tokens[19]);
    os.close(qd);
    for (const qt of tokens) {
      const done = await completion(ctx, os, qt);
      if (done.result < 0) assertFailed(done, "ECANCELED");
      if (sgaOf(done) !== 0) os.free(sgaOf(done));
    }
    await assertIdle(ctx, os);
  });
});
