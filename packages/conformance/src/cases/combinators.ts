import assert from "node:assert/strict";
import { type LibOS, PushFlag, type Sga } from "@demikernel/core";
import { group } from "../case.js";
import { connectedPair, needsOf } from "../channels.js";
import { assertThrows } from "../failures.js";
import { assertIdle, completion, popBytes, popMessage, pushBytes, turn } from "../turns.js";

const number = (os: LibOS, sga: Sga) => Number(os.sga.copy(sga).toString());

export const combinators = group("merge, filter, map, sort, qconnect", { on: "runtime" }, (test) => {
  test("merge pops from either queue, each in its order", async (ctx) => {
    const os = await ctx.open();
    const [a, b] = [os.queue(), os.queue()];
    const both = os.merge(a, b);
    for (let i = 0; i < 10; i++) {
      await pushBytes(ctx, os, a, `a${i}`);
      await pushBytes(ctx, os, b, `b${i}`);
    }
    const texts: string[] = [];
    for (let i = 0; i < 20; i++) texts.push((await popMessage(ctx, os, both)).toString());
    assert.equal(texts.filter((text) => text[0] === "a").join(""), "a0a1a2a3a4a5a6a7a8a9");
    assert.equal(texts.filter((text) => text[0] === "b").join(""), "b0b1b2b3b4b5b6b7b8b9");
    for (const qd of [both, a, b]) os.close(qd);
    await assertIdle(ctx, os);
  });

  test("a pop of a merge waits for the first of both, and loses nothing of the other", async (ctx) => {
    const os = await ctx.open();
    const [a, b] = [os.queue(), os.queue()];
    const both = os.merge(a, b);
    for (const [qd, text] of [
      [b, "from b"],
      [a, "from a"],
      [b, "b again"],
    ] as const) {
      const pop = os.pop(both);
      assert.equal(os.poll(pop), undefined);
      await pushBytes(ctx, os, qd, text);
      const done = await completion(ctx, os, pop);
      assert.equal(done.qd, both);
      assert.equal(os.sga.copy(done.sga).toString(), text);
      os.free(done.sga);
    }
    for (const qd of [both, a, b]) os.close(qd);
    await assertIdle(ctx, os);
  });

  test("a push to a merge goes to both queues", async (ctx) => {
    const os = await ctx.open();
    const [a, b] = [os.queue(), os.queue()];
    const both = os.merge(a, b);
    assert.equal((await completion(ctx, os, os.push(both, os.sga.from("to all"), PushFlag.FREE))).result, 6);
    assert.equal((await popMessage(ctx, os, a)).toString(), "to all");
    assert.equal((await popMessage(ctx, os, b)).toString(), "to all");
    for (const qd of [both, a, b]) os.close(qd);
    await assertIdle(ctx, os);
  });

  test("filter pops what matches and frees the rest", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const even = os.filter(qd, (sga) => number(os, sga) % 2 === 0);
    for (let i = 0; i < 20; i++) await pushBytes(ctx, os, qd, `${i}`);
    for (let i = 0; i < 20; i += 2) assert.equal((await popMessage(ctx, os, even)).toString(), `${i}`);
    os.close(even);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("a push into a filter that does not match ends with 0 and goes nowhere", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const even = os.filter(qd, (sga) => number(os, sga) % 2 === 0);
    assert.equal((await completion(ctx, os, os.push(even, os.sga.from("1"), PushFlag.FREE))).result, 0);
    assert.equal((await completion(ctx, os, os.push(even, os.sga.from("2"), PushFlag.FREE))).result, 1);
    assert.equal((await popMessage(ctx, os, qd)).toString(), "2");
    os.close(even);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("map applies its function: in place, or to a new sga", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const upper = os.map(qd, (sga) => {
      const bytes = os.sga.bytes(sga);
      for (let i = 0; i < bytes.length; i++) bytes[i] &= 0xdf;
      return sga;
    });
    const doubled = os.map(upper, (sga) => {
      const text = os.sga.copy(sga).toString();
      os.free(sga);
      return os.sga.from(text + text);
    });
    await pushBytes(ctx, os, qd, "abc");
    assert.equal((await popMessage(ctx, os, doubled)).toString(), "ABCABC");
    for (const each of [doubled, upper, qd]) os.close(each);
    await assertIdle(ctx, os);
  });

  test("sort pops in its order among what is there", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const sorted = os.sort(qd, (a, b) => number(os, a) - number(os, b));
    const numbers = Array.from({ length: 30 }, () => Math.floor(ctx.random() * 1000));
    for (const n of numbers) await pushBytes(ctx, os, qd, `${n}`);
    const popped: number[] = [];
    for (let i = 0; i < 30; i++) popped.push(Number((await popMessage(ctx, os, sorted)).toString()));
    assert.deepEqual(
      popped,
      [...numbers].sort((a, b) => a - b),
    );
    const waiting = os.pop(sorted);
    assert.equal(os.poll(waiting), undefined);
    await pushBytes(ctx, os, qd, "7");
    const done = await completion(ctx, os, waiting);
    assert.equal(number(os, done.sga), 7, "a pop that waits takes what comes");
    os.free(done.sga);
    os.close(sorted);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("sort holds no more than its capacity", async (ctx) => {
    const os = await ctx.open();
    const qd = os.queue();
    const sorted = os.sort(qd, (a, b) => number(os, a) - number(os, b), { capacity: 4 });
    for (let n = 20; n > 0; n--) await pushBytes(ctx, os, qd, `${n}`);
    const first = Number((await popMessage(ctx, os, sorted)).toString());
    assert.ok(first >= 16, `the smallest of at most four or five that came first, got ${first}`);
    const rest: number[] = [first];
    for (let i = 1; i < 20; i++) rest.push(Number((await popMessage(ctx, os, sorted)).toString()));
    assert.deepEqual(
      rest.sort((a, b) => a - b),
      Array.from({ length: 20 }, (_, i) => i + 1),
      "each once",
    );
    for (const capacity of [0, -1, 1.5]) assertThrows("EINVAL", () => os.sort(qd, () => 0, { capacity }));
    os.close(sorted);
    os.close(qd);
    await assertIdle(ctx, os);
  });

  test("qconnect moves what comes, until it is closed", async (ctx) => {
    const os = await ctx.open();
    const [from, to] = [os.queue(), os.queue()];
    const link = os.qconnect(from, to);
    for (let i = 0; i < 50; i++) os.push(from, os.sga.from(`${i}`), PushFlag.FREE | PushFlag.QUIET);
    for (let i = 0; i < 50; i++) assert.equal((await popMessage(ctx, os, to)).toString(), `${i}`);
    os.close(link);
    await pushBytes(ctx, os, from, "stays");
    for (let i = 0; i < 10; i++) await turn();
    assert.equal((await popMessage(ctx, os, from)).toString(), "stays");
    for (const qd of [from, to]) os.close(qd);
    await assertIdle(ctx, os);
  });

  test(
    "qconnect relays between sockets until the stream ends",
    async (ctx) => {
      const os = await ctx.open();
      const [client, near] = await connectedPair(ctx, os);
      const [far, server] = await connectedPair(ctx, os);
      const link = os.qconnect(near, far);
      await pushBytes(ctx, os, client, "through the relay");
      assert.equal((await popBytes(ctx, os, server, 17)).toString(), "through the relay");
      os.close(client);
      for (let i = 0; i < 20; i++) {
        os.turn(() => assert.fail("the relay's operations are its own"));
        await turn();
      }
      os.close(link);
      for (const qd of [near, far, server]) os.close(qd);
      await assertIdle(ctx, os);
    },
    { needs: needsOf("tcp") },
  );

  test("a pipeline of all of them, with promises", async (ctx) => {
    const os = await ctx.open();
    const [left, right, sink] = [os.queue(), os.queue(), os.queue()];
    const merged = os.merge(left, right);
    const odd = os.filter(merged, (sga) => number(os, sga) % 2 === 1);
    const squared = os.map(odd, (sga) => {
      const n = number(os, sga);
      os.free(sga);
      return os.sga.from(`${n * n}`);
    });
    const link = os.qconnect(squared, sink);
    for (let i = 0; i < 40; i++)
      os.push(i % 3 === 0 ? left : right, os.sga.from(`${i}`), PushFlag.FREE | PushFlag.QUIET);
    const got: number[] = [];
    for (let i = 0; i < 20; i++) {
      const sga = await os.async.pop(sink);
      got.push(number(os, sga));
      os.free(sga);
    }
    assert.deepEqual(
      got.sort((a, b) => a - b),
      Array.from({ length: 20 }, (_, i) => (2 * i + 1) ** 2),
    );
    for (const qd of [link, squared, odd, merged, left, right, sink]) os.close(qd);
    await assertIdle(ctx, os);
  });
});
