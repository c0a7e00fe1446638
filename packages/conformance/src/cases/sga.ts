import assert from "node:assert/strict";
import { group } from "../case.js";
import { assertThrows } from "../failures.js";
import { between, randomBytes } from "../payload.js";
import { assertIdle } from "../turns.js";

export const sgas = group("scatter-gather arrays", { on: "runtime" }, (test) => {
  test("alloc of one segment: its length, its view, its end", async (ctx) => {
    const os = await ctx.open();
    for (const size of [1, 63, 64, 65, 256, 257, 4096, 65536, 1 << 20]) {
      const sga = os.alloc(size);
      assert.ok(Number.isInteger(sga) && sga > 0, "a positive integer");
      assert.equal(os.sga.length(sga), size);
      assert.equal(os.sga.segments(sga), 1);
      assert.equal(os.sga.bytes(sga).length, size);
      os.sga.bytes(sga).fill(0xa5);
      assert.ok(os.sga.copy(sga).every((byte) => byte === 0xa5));
      os.free(sga);
    }
    await assertIdle(ctx, os);
  });

  test("alloc of up to 16 segments, each with its own bytes", async (ctx) => {
    const os = await ctx.open();
    const sizes = Array.from({ length: 16 }, () => between(ctx.random, 1, 5000));
    const sga = os.alloc(sizes);
    assert.equal(os.sga.segments(sga), 16);
    assert.equal(
      os.sga.length(sga),
      sizes.reduce((a, b) => a + b),
    );
    const parts = sizes.map((size) => randomBytes(ctx.random, size));
    for (const [i, part] of parts.entries()) os.sga.bytes(sga, i).set(part);
    for (const [i, part] of parts.entries()) assert.deepEqual(Buffer.from(os.sga.bytes(sga, i)), part, `segment ${i}`);
    assert.deepEqual(os.sga.copy(sga), Buffer.concat(parts), "copy() joins the segments");
    os.free(sga);
    await assertIdle(ctx, os);
  });

  test("sgas held at the same time share no byte", async (ctx) => {
    const os = await ctx.open();
    const held = Array.from({ length: 500 }, (_, i) => {
      const sga = os.alloc(between(ctx.random, 1, 4096));
      os.sga.bytes(sga).fill(i & 0xff);
      return sga;
    });
    for (const [i, sga] of held.entries()) {
      assert.ok(
        os.sga.bytes(sga).every((byte) => byte === (i & 0xff)),
        `sga ${i} was overwritten`,
      );
    }
    for (const sga of held) os.free(sga);
    await assertIdle(ctx, os);
  });

  test("from() copies strings as UTF-8 and bytes as they are", async (ctx) => {
    const os = await ctx.open();
    const text = os.sga.from("grüße, 世界");
    assert.equal(os.sga.copy(text).toString(), "grüße, 世界");
    const source = randomBytes(ctx.random, 70_000);
    const bytes = os.sga.from(source);
    const before = Buffer.from(source);
    source.fill(0);
    assert.deepEqual(os.sga.copy(bytes), before, "a copy: the source may change");
    os.free(text);
    os.free(bytes);
    await assertIdle(ctx, os);
  });

  test("trim keeps the bytes asked for, again and again", async (ctx) => {
    const os = await ctx.open();
    const sga = os.sga.from("0123456789");
    os.sga.trim(sga, 2, 6);
    assert.equal(os.sga.copy(sga).toString(), "234567");
    assert.equal(Buffer.from(os.sga.bytes(sga)).toString(), "234567");
    os.sga.trim(sga, 1, 3);
    assert.equal(os.sga.copy(sga).toString(), "345");
    assert.equal(os.sga.length(sga), 3);
    os.free(sga);
    const chain = os.alloc([4, 4]);
    os.sga.bytes(chain, 0).set(Buffer.from("abcd"));
    os.sga.bytes(chain, 1).set(Buffer.from("efgh"));
    os.sga.trim(chain, 1, 2, 1);
    assert.equal(os.sga.copy(chain).toString(), "abcdfg");
    os.free(chain);
  });

  test("trim and bytes outside the sga are EINVAL", async (ctx) => {
    const os = await ctx.open();
    const sga = os.sga.from("0123456789");
    for (const [offset, length] of [
      [0, 11],
      [11, 0],
      [5, 6],
      [-1, 2],
      [0, -1],
      [0.5, 1],
      [Number.NaN, 1],
      [2 ** 32, 1],
    ]) {
      assertThrows("EINVAL", () => os.sga.trim(sga, offset, length));
    }
    for (const segment of [1, -1, 16, 1e9, 0.5, Number.NaN]) assertThrows("EINVAL", () => os.sga.bytes(sga, segment));
    assert.equal(os.sga.copy(sga).toString(), "0123456789", "a refused trim changes nothing");
    os.free(sga);
  });

  test("sizes that are no sizes are EINVAL, more than 16 segments too", async (ctx) => {
    const os = await ctx.open();
    for (const size of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) assertThrows("EINVAL", () => os.alloc(size));
    assertThrows("EINVAL", () => os.alloc([]));
    assertThrows("EINVAL", () => os.alloc([16, -1]));
    assertThrows("EINVAL", () => os.alloc(new Array<number>(17).fill(1)));
    assert.equal(os.stats().appSlots, 0, "a refused alloc holds nothing");
  });

  test("more than the largest slot is EMSGSIZE", async (ctx) => {
    const os = await ctx.open();
    assertThrows("EMSGSIZE", () => os.alloc(2 ** 31 - 1));
    assertThrows("EMSGSIZE", () => os.alloc([64, 2 ** 30]));
    assert.equal(os.stats().appSlots, 0, "a refused alloc holds nothing");
  });

  test("an sga that was never a datagram has no address", async (ctx) => {
    const os = await ctx.open();
    const sga = os.alloc(64);
    assert.equal(os.sga.address(sga), undefined);
    os.free(sga);
  });
});
