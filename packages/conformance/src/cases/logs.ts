/** Logs of records: what is pushed is kept when its push has completed, and comes back whole, in order, once. */
import assert from "node:assert/strict";
import { type LibOS, PushFlag, type QueueDescriptor } from "@demikernel/core";
import { type CaseContext, group } from "../case.js";
import { assertFailed, assertThrows, codeOf } from "../failures.js";
import { between, randomBytes } from "../payload.js";
import { assertIdle, completion, popMessage, popOnce, pushBytes, take } from "../turns.js";

/** A log of the case's own. */
let names = 0;
function fresh(ctx: CaseContext, os: LibOS): QueueDescriptor {
  return os.creat(`case-${ctx.seed}-${++names}`);
}

/** The rest of a log, a record each. */
async function rest(ctx: CaseContext, os: LibOS, qd: QueueDescriptor): Promise<Buffer[]> {
  const records: Buffer[] = [];
  for (;;) {
    const done = await popOnce(ctx, os, qd);
    if (done.result === 0) return records;
    assert.ok(done.result > 0, codeOf(done));
    records.push(take(os, done.sga));
  }
}

function some(ctx: CaseContext, count: number, most: number): Buffer[] {
  return Array.from({ length: count }, () => randomBytes(ctx.random, between(ctx.random, 1, most)));
}

const assertSame = (got: readonly Buffer[], expected: readonly Buffer[]) => {
  assert.equal(got.length, expected.length, "as many records as were pushed");
  for (const [i, record] of got.entries()) assert.ok(record.equals(expected[i]), `record ${i} is as it was pushed`);
};

export const logs = group("logs", { needs: ["logs"] }, (test) => {
  test("records come back whole and in order, whatever their sizes", async (ctx) => {
    const os = await ctx.open();
    const qd = fresh(ctx, os);
    const records = [...some(ctx, 60, 300), ...some(ctx, 20, 20_000), ...some(ctx, 4, 300_000), ...some(ctx, 20, 10)];
    const pushes = records.map((record) => os.push(qd, os.sga.from(record), PushFlag.FREE));
    for (const [i, qt] of pushes.entries()) assert.equal((await completion(ctx, os, qt)).result, records[i].length);
    assertSame(await rest(ctx, os, qd), records);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("an sga of several segments is one record", async (ctx) => {
    const os = await ctx.open();
    const qd = fresh(ctx, os);
    const sga = os.alloc([10, 3000, 1, 700]);
    const parts = [10, 3000, 1, 700].map((size) => randomBytes(ctx.random, size));
    for (const [i, part] of parts.entries()) os.sga.bytes(sga, i).set(part);
    assert.equal((await completion(ctx, os, os.push(qd, sga, PushFlag.FREE))).result, 3711);
    assert.ok((await popMessage(ctx, os, qd)).equals(Buffer.concat(parts)));
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("at the end of a log pops are 0, and what is appended later comes next", async (ctx) => {
    const os = await ctx.open();
    const qd = fresh(ctx, os);
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 2; i++) {
        const end = await popOnce(ctx, os, qd);
        assert.equal(end.result, 0);
        assert.equal(end.sga, 0);
      }
      await pushBytes(ctx, os, qd, `round ${round}`);
      assert.equal((await popMessage(ctx, os, qd)).toString(), `round ${round}`);
    }
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("two queues of one log read independently, and each sees what the other appends", async (ctx) => {
    const os = await ctx.open();
    const name = `shared-${ctx.seed}`;
    const first = os.open(name, "a+");
    const second = os.open(name, "r");
    await pushBytes(ctx, os, first, "one");
    await pushBytes(ctx, os, first, "two");
    assert.equal((await popMessage(ctx, os, second)).toString(), "one");
    assert.equal((await popMessage(ctx, os, first)).toString(), "one");
    assert.equal((await popMessage(ctx, os, second)).toString(), "two");
    await pushBytes(ctx, os, first, "three");
    assert.equal((await popMessage(ctx, os, second)).toString(), "three");
    assert.deepEqual(
      (await rest(ctx, os, first)).map((record) => record.toString()),
      ["two", "three"],
    );
    os.close(first);
    os.close(second);
    await assertIdle(ctx, os);
  });

  test("lseek: to the start, the end, and to every position that was told", async (ctx) => {
    const os = await ctx.open();
    const qd = fresh(ctx, os);
    const records = some(ctx, 50, 5000);
    for (const qt of records.map((record) => os.push(qd, os.sga.from(record), PushFlag.FREE)))
      await completion(ctx, os, qt);
    const positions: number[] = [];
    for (const record of records) {
      positions.push(os.lseek(qd, 0, "cur"));
      assert.ok((await popMessage(ctx, os, qd)).equals(record));
    }
    const end = os.lseek(qd, 0, "end");
    assert.equal((await popOnce(ctx, os, qd)).result, 0);
    for (let n = 0; n < 100; n++) {
      const i = Math.floor(ctx.random() * records.length);
      assert.equal(os.lseek(qd, positions[i]), positions[i]);
      assert.ok((await popMessage(ctx, os, qd)).equals(records[i]), `record ${i}`);
    }
    // Between two records: the later.
    os.lseek(qd, positions[7] + 1);
    assert.ok((await popMessage(ctx, os, qd)).equals(records[8]));
    assertThrows("EINVAL", () => os.lseek(qd, end + 1));
    assertThrows("EINVAL", () => os.lseek(qd, -1));
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("truncate gives back what is before a position, for good", async (ctx) => {
    const os = await ctx.open();
    const name = `truncated-${ctx.seed}`;
    const qd = os.open(name, "a+");
    const records = some(ctx, 40, 30_000);
    for (const record of records) await pushBytes(ctx, os, qd, record);
    for (let i = 0; i < 25; i++) await popMessage(ctx, os, qd);
    const position = os.lseek(qd, 0, "cur");
    os.truncate(qd, position);
    assert.equal(os.lseek(qd, 0), position, "what was given back is not there");
    assertSame(await rest(ctx, os, qd), records.slice(25));
    const again = os.open(name, "r");
    assertSame(await rest(ctx, os, again), records.slice(25));
    assertThrows("EINVAL", () => os.truncate(again, position));
    assertThrows("EINVAL", () => os.truncate(qd, os.lseek(qd, 0, "end") + 1));
    os.truncate(qd, os.lseek(qd, 0, "end"));
    await pushBytes(ctx, os, qd, "goes on");
    assert.equal((await popMessage(ctx, os, qd)).toString(), "goes on");
    os.close(qd);
    os.close(again);
    await assertIdle(ctx, os);
  });

  test("a record that is longer than a pop's limit is EMSGSIZE, and stays", async (ctx) => {
    const os = await ctx.open();
    const qd = fresh(ctx, os);
    await pushBytes(ctx, os, qd, "nine bytes".slice(0, 9));
    assertFailed(await popOnce(ctx, os, qd, 8), "EMSGSIZE");
    assert.equal((await popOnce(ctx, os, qd, 9).then((done) => take(os, done.sga))).toString(), "nine byte");
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("names: what is not there, what is there already, and what cannot be a name", async (ctx) => {
    const os = await ctx.open();
    const name = `named-${ctx.seed}`;
    assertThrows("ENOENT", () => os.open(name, "r"));
    const qd = os.open(name, "a+");
    assertThrows("EEXIST", () => os.open(name, "ax+"));
    assertThrows("ENAMETOOLONG", () => os.open("x".repeat(256), "a+"));
    const reader = os.open(name, "r");
    assertFailed(await completion(ctx, os, os.push(reader, os.sga.from("no"), PushFlag.FREE)), "EBADF");
    await pushBytes(ctx, os, qd, "before");
    // As for files: what was there goes.
    const anew = os.creat(name);
    assert.equal((await popOnce(ctx, os, qd)).result, 0);
    await pushBytes(ctx, os, anew, "after");
    assert.equal((await popMessage(ctx, os, reader)).toString(), "after");
    for (const each of [qd, reader, anew]) os.close(each);
    await assertIdle(ctx, os);
  });

  test("unlink: EBUSY while a queue has the log, then gone, and a new one of that name is empty", async (ctx) => {
    const os = await ctx.open();
    const name = `unlinked-${ctx.seed}`;
    const qd = os.open(name, "a+");
    const reader = os.open(name, "r");
    await pushBytes(ctx, os, qd, "before");
    assertThrows("EBUSY", () => os.unlink(name));
    os.close(qd);
    assertThrows("EBUSY", () => os.unlink(name));
    assert.equal((await popMessage(ctx, os, reader)).toString(), "before", "a refused unlink changes nothing");
    os.close(reader);
    os.unlink(name);
    assertThrows("ENOENT", () => os.open(name, "r"));
    assertThrows("ENOENT", () => os.unlink(name));
    const anew = os.open(name, "ax+");
    assert.equal((await popOnce(ctx, os, anew)).result, 0);
    await pushBytes(ctx, os, anew, "after");
    assertSame(await rest(ctx, os, anew), [Buffer.from("after")]);
    os.close(anew);
    os.unlink(name);
    await assertIdle(ctx, os);
  });

  test("unlink waits for what the device still has of a closed queue", async (ctx) => {
    const os = await ctx.open();
    const name = `unlinked-at-once-${ctx.seed}`;
    const other = fresh(ctx, os);
    for (let round = 0; round < 10; round++) {
      const qd = os.open(name, "ax+");
      const tokens = some(ctx, 20, 3000).map((record) => os.push(qd, os.sga.from(record), PushFlag.FREE));
      const beside = os.push(other, os.sga.from(`round ${round}`), PushFlag.FREE);
      os.poll(tokens[0]);
      os.close(qd);
      os.unlink(name);
      for (const qt of [...tokens, beside]) await completion(ctx, os, qt);
    }
    assert.deepEqual(
      (await rest(ctx, os, other)).map(String),
      Array.from({ length: 10 }, (_, round) => `round ${round}`),
    );
    os.close(other);
    await assertIdle(ctx, os);
  });

  test("unlink: what is no name of a log", async (ctx) => {
    const os = await ctx.open();
    for (const wrong of ["", "a\0b", undefined as never]) assertThrows("EINVAL", () => os.unlink(wrong));
    assertThrows("ENAMETOOLONG", () => os.unlink("x".repeat(256)));
    assertThrows("ENOENT", () => os.unlink(`never-${ctx.seed}`));
  });

  test("closing with appends and pops pending leaves nothing behind, and the log whole", async (ctx) => {
    const os = await ctx.open();
    const name = `closed-${ctx.seed}`;
    const qd = os.open(name, "a+");
    const records = Array.from({ length: 30 }, (_, i) => Buffer.from(`record ${i} ${"x".repeat(i * 50)}`));
    const tokens = records.map((record) => os.push(qd, os.sga.from(record), PushFlag.FREE));
    if (ctx.random() < 0.5) os.turn(() => assert.fail("nothing is durable yet"));
    os.close(qd);
    for (const qt of tokens) {
      const done = await completion(ctx, os, qt);
      assert.ok(done.result > 0 || codeOf(done) === "ECANCELED", codeOf(done));
    }
    const again = os.open(name, "a+");
    // Those that were written are the first of them.
    const kept = await rest(ctx, os, again);
    assertSame(kept, records.slice(0, kept.length));
    await pushBytes(ctx, os, again, "goes on");
    // What the device had begun when the queue was closed may have been written since: before what was pushed then.
    const more = await rest(ctx, os, again);
    assert.equal(more.pop()?.toString(), "goes on");
    assertSame(more, records.slice(kept.length, kept.length + more.length));
    os.close(again);
    await assertIdle(ctx, os);
  });

  test("a hundred logs at once: each has its records", async (ctx) => {
    const os = await ctx.open();
    const queues = Array.from({ length: 100 }, (_, i) => os.open(`many-${ctx.seed}-${i}`, "a+"));
    const tokens = queues.flatMap((qd, i) =>
      [0, 1, 2].map((n) => os.push(qd, os.sga.from(`${i}:${n}`), PushFlag.FREE)),
    );
    for (const qt of tokens) assert.ok((await completion(ctx, os, qt)).result > 0);
    for (const [i, qd] of queues.entries()) {
      const got = await rest(ctx, os, qd);
      assert.deepEqual(
        got.map(String),
        [0, 1, 2].map((n) => `${i}:${n}`),
      );
      os.close(qd);
    }
    await assertIdle(ctx, os);
  });
});

export const durableLogs = group("logs: durability", { needs: ["logs"], own: true }, (test) => {
  test("what was pushed is there when the libOS is opened again", async (ctx) => {
    const name = `kept-${ctx.seed}`;
    const kept: Buffer[] = [];
    for (let round = 0; round < 3; round++) {
      const os = await ctx.open({});
      const qd = os.open(name, "a+");
      assertSame(await rest(ctx, os, qd), kept);
      const more = some(ctx, 30, 3000);
      const tokens = more.map((record) => os.push(qd, os.sga.from(record), PushFlag.FREE));
      for (const qt of tokens) assert.ok((await completion(ctx, os, qt)).result > 0);
      kept.push(...more);
      if (round === 1) os.close(qd);
      os.destroy();
    }
  });

  test("what was unlinked is gone when the libOS is opened again, and what was made since is there", async (ctx) => {
    const [gone, anew] = [`gone-${ctx.seed}`, `anew-${ctx.seed}`];
    const os = await ctx.open({});
    for (const name of [gone, anew]) {
      const qd = os.open(name, "a+");
      await pushBytes(ctx, os, qd, "of the first");
      os.close(qd);
      os.unlink(name);
    }
    const qd = os.open(anew, "ax+");
    await pushBytes(ctx, os, qd, "of the second");
    os.destroy();
    const again = await ctx.open({});
    assertThrows("ENOENT", () => again.open(gone, "r"));
    assertSame(await rest(ctx, again, again.open(anew, "r")), [Buffer.from("of the second")]);
  });
});
