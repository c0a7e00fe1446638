import { Listpack } from "../src/encodings/listpack.js";
import { validateListpack } from "../src/encodings/listpack-validate.js";
import { Heap } from "../src/memory/heap.js";
import { parseIntegerText } from "../src/numbers/integers.js";
import { bytesOf, text } from "./listpack-elements.js";
import { Random } from "./random.js";

/** Everything that can be read of it, against what it should be. */
function check(list: Listpack, model: readonly string[]): void {
  expect(list.length).toBe(model.length);
  const forwards: string[] = [];
  for (let p = list.first(); p !== 0; p = list.next(p)) forwards.push(list.string(p));
  expect(forwards).toEqual(model);
  const backwards: string[] = [];
  for (let p = list.last(); p !== 0; p = list.prev(p)) backwards.push(list.string(p));
  expect(backwards.reverse()).toEqual(model);
  expect(validateListpack(list.bytes, list.base, list.byteLength, true)).toBe(true);
}

test("random changes, against an array", () => {
  const random = new Random("listpack");
  const heap = new Heap();
  const list = new Listpack().create(heap);
  const target = new Uint8Array(20_000);
  let model: string[] = [];
  for (let step = 0; step < 1000; step++) {
    const value = text(random);
    // Not at the start of what it is in.
    const bytes = Buffer.from(`xx${value}x`, "latin1");
    const asText = random.below(2) === 0;
    const index = model.length === 0 ? 0 : random.below(model.length);
    const p = list.seek(random.below(2) === 0 ? index : index - model.length);
    expect(p === 0).toBe(model.length === 0);
    let at = 0;
    let where = -1;
    switch (random.below(model.length > 40 ? 12 : 8)) {
      case 0:
        at = asText ? list.appendText(value) : list.append(bytes, 2, value.length);
        where = model.push(value) - 1;
        break;
      case 1:
        at = asText ? list.prependText(value) : list.prepend(bytes, 2, value.length);
        model.unshift(value);
        where = 0;
        break;
      case 2:
        if (p === 0) break;
        at = asText ? list.insertTextBefore(p, value) : list.insertBefore(p, bytes, 2, value.length);
        model.splice(index, 0, value);
        where = index;
        break;
      case 3:
        if (p === 0) break;
        at = asText ? list.insertTextAfter(p, value) : list.insertAfter(p, bytes, 2, value.length);
        model.splice(index + 1, 0, value);
        where = index + 1;
        break;
      case 4:
      case 5:
        if (p === 0) break;
        at = asText ? list.replaceText(p, value) : list.replace(p, bytes, 2, value.length);
        model[index] = value;
        where = index;
        break;
      case 6: {
        if (p === 0) break;
        const next = list.remove(p);
        model.splice(index, 1);
        expect(next === 0 ? undefined : list.string(next)).toBe(model[index]);
        break;
      }
      case 7: {
        const value = parseIntegerText(random.integerText());
        if (value === undefined) break;
        at = p !== 0 && asText ? list.replaceInteger(p, value) : list.appendInteger(value);
        where = p !== 0 && asText ? index : model.length;
        model[where] = String(value);
        break;
      }
      default: {
        const count = random.below(6);
        list.removeRange(random.below(2) === 0 ? index : index - model.length, count);
        model.splice(index, count);
      }
    }
    if (where >= 0) {
      expect(list.string(at)).toBe(model[where]);
      const written = list.copyTo(at, target, 3);
      expect(Buffer.from(target.subarray(3, 3 + written)).toString("latin1")).toBe(model[where]);
      expect(list.size(at)).toBe(written);
      expect(list.isInteger(at)).toBe(parseIntegerText(model[where]) !== undefined);
      if (list.isInteger(at)) expect(list.integer(at)).toBe(parseIntegerText(model[where]));
      expect(list.equals(at, target, 3, written)).toBe(true);
      expect(list.equals(at, target, 3, written + 1)).toBe(false);
      const skip = random.below(3);
      let first = 0;
      while (first < model.length && model[first] !== model[where]) first += skip + 1;
      expect(list.find(target, 3, written, skip)).toBe(list.seek(first));
    }
    if (step % 50 === 0) check(list, model);
  }
  check(list, model);
  list.removeRange(0, model.length + 5);
  check(list, []);
  model = [];
  heap.free(list.ref);
  expect(heap.used).toBe(0);
});

test("find tells what is not there, also from an element on", () => {
  const list = new Listpack().create(new Heap());
  for (const one of ["a", "12", "b", "12", "13", "9007199254740993"]) list.appendText(one);
  const find = (wanted: string, skip = 0, p?: number) =>
    list.find(Buffer.from(wanted, "latin1"), 0, wanted.length, skip, p ?? list.first());
  expect(find("12")).toBe(list.seek(1));
  expect(find("12", 0, list.seek(2))).toBe(list.seek(3));
  expect(find("12", 1)).toBe(0);
  expect(find("13", 1)).toBe(list.seek(4));
  expect(find("012")).toBe(0);
  expect(find("")).toBe(0);
  expect(find("9007199254740992")).toBe(0);
  expect(find("9007199254740993")).toBe(list.seek(5));
  expect(new Listpack().create(new Heap()).find(Buffer.from("a"), 0, 1)).toBe(0);
});

test("merge puts another behind it", () => {
  const random = new Random("merge");
  const heap = new Heap();
  for (let i = 0; i < 30; i++) {
    const [first, second] = [new Listpack().create(heap), new Listpack().create(heap)];
    const model: string[] = [];
    for (const list of [first, second]) {
      for (let n = random.below(30); n > 0; n--) {
        model.push(text(random));
        list.appendText(model[model.length - 1]);
      }
    }
    first.merge(second.ref);
    check(first, model);
    heap.free(first.ref);
    expect(heap.used).toBe(0);
  }
});

test("from 65535 elements on they are counted, and again known below", () => {
  const list = new Listpack().create(new Heap());
  for (let i = 0; i < 65_540; i++) list.appendInteger(i % 100);
  expect(list.length).toBe(65_540);
  expect(list.bytes[list.base + 4] | (list.bytes[list.base + 5] << 8)).toBe(65_535);
  expect(list.integer(list.seek(65_539))).toBe(39);
  expect(list.integer(list.seek(-1))).toBe(39);
  expect(list.seek(65_540)).toBe(0);
  expect(list.seek(-65_541)).toBe(0);
  list.removeRange(10, 10);
  expect(list.bytes[list.base + 4] | (list.bytes[list.base + 5] << 8)).toBe(65_535);
  expect(list.length).toBe(65_530);
  expect(list.bytes[list.base + 4] | (list.bytes[list.base + 5] << 8)).toBe(65_530);
  expect(validateListpack(list.bytes, list.base, list.byteLength, true)).toBe(true);
});

test("one beyond 16 MiB, with elements of a megabyte", () => {
  const heap = new Heap();
  const list = new Listpack().create(heap);
  const model: string[] = [];
  for (let i = 0; i < 20; i++) {
    model.push(String.fromCharCode(97 + i).repeat(2 ** 20 + i));
    list.appendText(model[i]);
  }
  // Sizes at their ends take four bytes from 2097151 on.
  model.push("z".repeat(2_097_146), "y".repeat(2_097_145));
  for (const one of model.slice(-2)) list.appendText(one);
  check(list, model);
  list.removeRange(0, 20);
  check(list, model.slice(20));
  heap.free(list.ref);
  expect([heap.used, heap.reserved]).toEqual([0, 2 ** 27]);
});

describe("bytes of anyone", () => {
  function valid(bytes: Buffer, deep = true): boolean {
    return validateListpack(Buffer.concat([Buffer.of(7, 7), bytes, Buffer.of(7)]), 2, bytes.length, deep);
  }
  const heap = new Heap();
  const packed = (...values: string[]) => {
    const list = new Listpack().create(heap);
    for (const value of values) list.appendText(value);
    const bytes = Buffer.from(bytesOf(list), "latin1");
    heap.free(list.ref);
    return bytes;
  };

  test("are told from a listpack", () => {
    expect(valid(packed())).toBe(true);
    expect(valid(packed("a", "1"))).toBe(true);
    expect(valid(Buffer.alloc(0))).toBe(false);
    const wrong = (at: number, byte: number, deep = true) => {
      const bytes = packed("abc", "1", "x".repeat(70));
      bytes[at < 0 ? bytes.length + at : at] = byte;
      return valid(bytes, deep);
    };
    // Its size, its end, its count, a head, a size at an element's end.
    expect([wrong(0, 1), wrong(0, 1, false), wrong(-1, 0), wrong(-1, 0, false)]).toEqual([false, false, false, false]);
    expect([wrong(4, 4), wrong(4, 4, false), wrong(6, 0x84), wrong(6, 0xf0), wrong(6, 0xf5)]).toEqual([
      false,
      true,
      false,
      false,
      false,
    ]);
    expect([wrong(10, 3), wrong(10, 0x84), wrong(6, 0xff)]).toEqual([false, false, false]);
    // A string of 2^32 - 1 bytes, which is 4 where sums have 32 bits.
    const long = Buffer.from([14, 0, 0, 0, 1, 0, 0xf0, 0xff, 0xff, 0xff, 0xff, 4, 0, 0xff]);
    expect(valid(long)).toBe(false);
  });

  test("at random: what is valid can be walked both ways", () => {
    const random = new Random("hostile listpacks");
    let passed = 0;
    for (let i = 0; i < 6000; i++) {
      const bytes = packed(
        ...Array.from({ length: random.below(6) }, () => random.pick(["a", "7", "-300", "x".repeat(64)])),
      );
      for (let changes = random.below(3); changes >= 0; changes--) {
        bytes[random.below(2) === 0 ? random.below(bytes.length) : 6 % bytes.length] = random.below(256);
      }
      if (!valid(bytes)) continue;
      passed++;
      const list = new Listpack().copyFrom(heap, bytes, 0, bytes.length);
      const there: string[] = [];
      for (let p = list.first(); p !== 0; p = list.next(p)) there.push(list.string(p));
      check(list, there);
      heap.free(list.ref);
    }
    expect(passed).toBeGreaterThan(50);
  });
});
