/** Sets of texts around the border between a listpack and a table: at its limits, and random changes beside a Set of JavaScript. */
import { Config } from "../src/config/config.js";
import type { Db } from "../src/keyspace/db.js";
import { Keyspace } from "../src/keyspace/keyspace.js";
import { ENCODING_NAMES, Encoding } from "../src/keyspace/types.js";
import type { Ref } from "../src/memory/heap.js";
import { dumpPayload, loadPayload } from "../src/rdb/payload.js";
import { MOST_LISTPACK_BYTES, MOST_LISTPACK_MEMBERS, SetValue } from "../src/values/set.js";
import { copyOfValue } from "../src/values/value-copy.js";
import { Random } from "./random.js";

const config = new Config();
const bytesOf = (text: string): Buffer => Buffer.from(text, "latin1");
const texts = (count: number, length = 5): string[] =>
  Array.from({ length: count }, (_, i) => `m${i}`.padEnd(length, "-"));

/** A database, and sets in it by name. */
class Sets {
  readonly keyspace = new Keyspace(2);
  readonly db = this.keyspace.dbs[0];

  find(name: string, db: Db = this.db): Ref {
    const key = bytesOf(name);
    return db.find(key, 0, key.length);
  }

  open(name: string): SetValue {
    return new SetValue().open(this.db, this.find(name));
  }

  make(name: string, members: readonly string[]): SetValue {
    const key = bytesOf(name);
    const set = new SetValue().create(this.keyspace.heap);
    set.store(this.db, key, 0, key.length);
    for (const one of members) add(set, one);
    return set;
  }

  encoding(name: string): number {
    return this.db.encodingOf(this.find(name));
  }

  dump(name: string): Uint8Array {
    const { bytes, length } = dumpPayload(this.db, this.find(name));
    return bytes.slice(0, length);
  }

  restore(name: string, payload: Uint8Array): void {
    const loaded = loadPayload(payload, 0, payload.length, { keyspace: this.keyspace, config });
    const key = bytesOf(name);
    loaded?.add(this.db, key, 0, key.length);
  }
}

function add(set: SetValue, text: string): boolean {
  const bytes = bytesOf(text);
  return set.add(bytes, 0, bytes.length, config);
}

function remove(set: SetValue, text: string): boolean {
  const bytes = bytesOf(text);
  return set.remove(bytes, 0, bytes.length);
}

function has(set: SetValue, text: string): boolean {
  const bytes = bytesOf(text);
  return set.has(bytes, 0, bytes.length);
}

function members(set: SetValue): string[] {
  const all: string[] = [];
  set.each((member) => all.push(member.text));
  return all;
}

const full = texts(MOST_LISTPACK_MEMBERS);
const { HASHTABLE, HASHTABLE_LISTPACK, INTSET } = Encoding;

test.each([
  ["as many members as may be", full, HASHTABLE_LISTPACK],
  ["one more", [...full, "x"], HASHTABLE],
  ["one more that is an integer", [...full, "7"], HASHTABLE],
  ["one that is there already", [...full, full[3]], HASHTABLE_LISTPACK],
  ["the longest member", ["x".repeat(MOST_LISTPACK_BYTES)], HASHTABLE_LISTPACK],
  ["a longer one", ["x".repeat(MOST_LISTPACK_BYTES + 1)], HASHTABLE],
  ["a longer one behind others", [...texts(9), "x".repeat(MOST_LISTPACK_BYTES + 1)], HASHTABLE],
  ["as many of the longest", texts(MOST_LISTPACK_MEMBERS, MOST_LISTPACK_BYTES), HASHTABLE_LISTPACK],
  ["nothing but an empty text", [""], HASHTABLE_LISTPACK],
  [
    "integers and a text",
    [...Array.from({ length: MOST_LISTPACK_MEMBERS - 1 }, (_, i) => `${-i}`), "x"],
    HASHTABLE_LISTPACK,
  ],
  [
    "too many integers and a text",
    [...Array.from({ length: MOST_LISTPACK_MEMBERS }, (_, i) => `${-i}`), "x"],
    HASHTABLE,
  ],
  ["integers alone", ["-9223372036854775808", "9223372036854775807", "5"], INTSET],
  ["almost integers", ["01", "+1", "-0", "9223372036854775808", "1"], HASHTABLE_LISTPACK],
])("%s", (_what, given, encoding) => {
  const sets = new Sets();
  const expected = [...new Set(given)].sort();
  sets.make("s", given);
  expect(sets.encoding("s")).toBe(encoding);
  expect(ENCODING_NAMES[encoding]).toBe(encoding === INTSET ? "intset" : "hashtable");
  const set = sets.open("s");
  expect(set.size).toBe(expected.length);
  expect(members(set).sort()).toEqual(expected);
  expect(expected.filter((one) => !has(set, one))).toEqual([]);
  expect(["y", "0x", "x ", "00"].filter((one) => has(set, one))).toEqual([]);
  sets.restore("r", sets.dump("s"));
  expect(sets.encoding("r")).toBe(encoding);
  expect(members(sets.open("r")).sort()).toEqual(expected);
});

test("a table that shrinks stays one, and what is read of its DUMP is a listpack", () => {
  const sets = new Sets();
  const set = sets.make("s", [...full, "x"]);
  for (const one of full) expect(remove(set, one)).toBe(true);
  expect(sets.encoding("s")).toBe(HASHTABLE);
  sets.restore("r", sets.dump("s"));
  expect([sets.encoding("r"), members(sets.open("r"))]).toEqual([HASHTABLE_LISTPACK, ["x"]]);
});

test("integers beyond set-max-intset-entries are a listpack where they are few", () => {
  const sets = new Sets();
  const set = sets.make("s", []);
  for (let i = 0; i <= 8; i++) {
    const bytes = bytesOf(String(i * 1_000_000_007));
    expect(sets.encoding("s")).toBe(INTSET);
    expect(set.add(bytes, 0, bytes.length, { setMaxIntsetEntries: 8 })).toBe(true);
  }
  expect(sets.encoding("s")).toBe(HASHTABLE_LISTPACK);
  expect(members(set)).toEqual(Array.from({ length: 9 }, (_, i) => String(i * 1_000_000_007)));
});

test("random changes around the border, and no memory is left of them", () => {
  const random = new Random("set border");
  const sets = new Sets();
  const { db, keyspace } = sets;
  const name = (i: number): string => `set${i}`;
  const held = new Map<string, Set<string>>();
  const seen = new Set<number>();
  const text = (key: string): string => {
    const kind = random.below(100);
    // One is of integers only, most of the time.
    if (key === name(0) && random.below(50) !== 0) return String(random.below(100));
    if (kind === 0) return "l".repeat(MOST_LISTPACK_BYTES - 1 + random.below(3));
    if (kind < 4) return random.integerText();
    return kind < 40 ? String(random.below(60)) : random.bytes(1);
  };
  // Thousands of expect() take seconds.
  const same = (what: string, got: unknown, wanted: unknown): void => {
    if (got !== wanted) expect([what, got]).toEqual([what, wanted]);
  };
  const drop = (key: string): void => {
    const ref = sets.find(key);
    if (ref !== 0) db.delete(ref);
    held.delete(key);
  };
  for (let step = 0; step < 30_000; step++) {
    const key = name(random.below(6));
    const expected = held.get(key);
    if (expected === undefined) {
      const first = text(key);
      sets.make(key, [first]);
      held.set(key, new Set([first]));
      continue;
    }
    const set = sets.open(key);
    const one = text(key);
    const kind = random.below(100);
    if (kind < 55) {
      same("add", add(set, one), !expected.has(one));
      expected.add(one);
    } else if (kind < 80) {
      same("has", has(set, one), expected.has(one));
    } else if (kind < 90) {
      same("remove", remove(set, one), expected.delete(one));
    } else if (kind < 94) {
      // One of its own bytes, where they lie.
      const { bytes, at, length, text: own } = set.show(random.pick(set.places()));
      same("shown", expected.delete(own), true);
      same("remove it", set.remove(bytes, at, length), true);
    } else if (kind < 96) {
      const to = name(random.below(6));
      if (to === key) continue;
      drop(to);
      const bytes = bytesOf(to);
      const ref = sets.find(key);
      db.copyTo(db, ref, bytes, 0, bytes.length, copyOfValue(db, ref));
      held.set(to, new Set(expected));
    } else if (kind === 96) {
      drop(key);
      continue;
    } else if (kind === 97) {
      const payload = sets.dump(key);
      drop(key);
      sets.restore(key, payload);
      held.set(key, expected);
    } else {
      // As SPOP does where few remain.
      const places = set.places();
      same("places", places.length, expected.size);
      const rest = new SetValue().create(keyspace.heap);
      for (const place of places) if (random.below(2) === 0) add(rest, set.show(place).text);
      for (const one of expected) if (!has(rest, one)) expected.delete(one);
      same("rest", rest.size, expected.size);
      rest.replace(set);
      set.free();
    }
    const now = held.get(key) as Set<string>;
    if (now.size === 0) drop(key);
    else if (step % 20 === 0) {
      seen.add(sets.encoding(key));
      const again = sets.open(key);
      expect([again.size, members(again).sort()]).toEqual([now.size, [...now].sort()]);
    }
  }
  expect([...seen].sort()).toEqual([HASHTABLE, INTSET, HASHTABLE_LISTPACK].sort());
  for (const key of [...held.keys()]) drop(key);
  while (keyspace.pendingReleases !== 0) keyspace.releaseSome(1000);
  expect([db.size, keyspace.heap.used]).toEqual([0, 0]);
});
