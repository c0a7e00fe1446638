import { Intset, validateIntset } from "../src/encodings/intset.js";
import { Heap } from "../src/memory/heap.js";
import { type Integer, parseIntegerText } from "../src/numbers/integers.js";
import { rdbString } from "./dump.js";
import { Random } from "./random.js";
import { besideRedis } from "./redis-server.js";

const bytesOf = (set: Intset) =>
  Buffer.from(set.bytes.subarray(set.base, set.base + set.byteLength)).toString("latin1");

/** An integer of up to so many bits. */
function integer(random: Random, bits: number): Integer {
  for (;;) {
    const value = parseIntegerText(random.integerText());
    if (value === undefined) continue;
    if (BigInt.asIntN(bits, BigInt(value)) !== BigInt(value)) continue;
    return random.below(3) === 0 ? value : random.below(40) - 20;
  }
}

test("random changes, against a Set, through all widths", () => {
  const random = new Random("intset");
  const heap = new Heap();
  for (let round = 0; round < 30; round++) {
    const set = new Intset().create(heap);
    const model = new Set<Integer>();
    for (let step = 0; step < 300; step++) {
      const value = integer(random, step < 100 ? 16 : step < 200 ? 32 : 64);
      if (set.has(value) !== model.has(value)) throw new Error(`has ${value}`);
      if (random.below(3) === 0) {
        if (set.remove(value) !== model.delete(value)) throw new Error(`remove ${value}`);
      } else {
        if (set.add(value) === model.has(value)) throw new Error(`add ${value}`);
        model.add(value);
      }
      if (step % 25 !== 0) continue;
      const sorted = [...model].sort((a, b) => (a < b ? -1 : 1));
      expect(Array.from({ length: set.length }, (_, i) => set.get(i))).toEqual(sorted);
      if (model.size === 0) continue;
      expect(model.has(set.random())).toBe(true);
      expect(validateIntset(set.bytes, set.base, set.byteLength, true)).toBe(true);
    }
    heap.free(set.ref);
  }
  expect(heap.used).toBe(0);
});

test("bytes of anyone are told from an intset", () => {
  const valid = (bytes: number[], deep = true) => validateIntset(Uint8Array.of(9, ...bytes), 1, bytes.length, deep);
  expect(valid([2, 0, 0, 0, 2, 0, 0, 0, 0xff, 0xff, 0, 0])).toBe(true);
  expect(valid([2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0xff, 0xff])).toBe(false);
  expect(valid([2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0xff, 0xff], false)).toBe(true);
  expect(valid([2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 1, 0])).toBe(false);
  expect(valid([2, 0, 0, 0, 0, 0, 0, 0])).toBe(false);
  expect(valid([3, 0, 0, 0, 1, 0, 0, 0, 1, 1, 1])).toBe(false);
  expect(valid([4, 0, 0, 0, 1, 0, 0, 0, 1, 1])).toBe(false);
  expect(valid([8, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0])).toBe(false);
  expect(valid([2, 0, 0, 0])).toBe(false);
});

besideRedis("bytes are redis-server's", ["--rdbcompression", "no"], (redis) => {
  test("of a set of integers", async () => {
    const random = new Random("intset beside redis-server");
    const heap = new Heap();
    const commands: (string | number)[][] = [];
    const ours: string[] = [];
    for (let round = 0; round < 30; round++) {
      const set = new Intset().create(heap);
      for (let step = 0; step < 60; step++) {
        const value = integer(random, step < 20 ? 16 : step < 40 ? 32 : 64);
        const isLess = random.below(3) === 0 && step > 3;
        if (isLess) set.remove(value);
        else set.add(value);
        commands.push([isLess ? "SREM" : "SADD", `s${round}`, String(value)], ["DUMP", `s${round}`]);
        ours.push(set.length === 0 ? "" : bytesOf(set));
        // A key without members is gone, and with it its width.
        if (set.length === 0) set.create(heap);
      }
    }
    const replies = await redis().call(commands);
    ours.forEach((bytes, i) => {
      const dump = replies[2 * i + 1] as string | null;
      if ((dump === null ? "" : rdbString(dump, 1).text) !== bytes) throw new Error(`after ${commands[2 * i]}`);
    });
  });
});
