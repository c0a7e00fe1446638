/**
 * The end of memory: a server whose heap has two chunks, beside one whose heap has no end here. Both get the same random commands; what the first
 * refuses the other does not get. So replies are the same or OOM, and what they hold is the same all the time.
 */
import { Heap, HeapFull } from "../src/memory/heap.js";
import { Direct } from "./direct.js";
import { Random } from "./random.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const KEYS = 20;
const OOM = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
/** Refused commands of one seed, and between two times that keys are deleted. */
const REFUSED = 90;
const REFUSED_BETWEEN = 30;
const TYPES = ["s", "l", "h", "t", "z", "x", "p"];

let entry = 0;

/** Mostly small, some large. */
function text(random: Random): string {
  const kind = random.below(1000);
  const most = kind < 700 ? 100 : kind < 960 ? 20 * KIB : kind < 998 ? 400 * KIB : 8 * MIB;
  const length = random.below(most);
  return random.word().toString(36) + "x".repeat(length);
}

function several(random: Random, one: () => (string | number)[]): (string | number)[] {
  return Array.from({ length: 1 + random.below(30) }, one).flat();
}

/** Mostly keys of the type that the command is for. */
function command(random: Random, small: Direct): (string | number)[] {
  const key = (type: string): string =>
    `${random.below(12) === 0 ? random.pick(["s", "l", "h", "t", "z", "x"]) : type}${random.below(KEYS)}`;
  const element = (): string => text(random).slice(0, 2000);
  const member = (): number => random.below(5000);
  switch (random.below(34)) {
    case 0:
    case 1:
      return ["SET", key("s"), text(random)];
    case 2:
      return ["SET", key("s"), text(random), "PXAT", 10 ** 13 + random.below(1000)];
    case 3:
      return ["APPEND", key("s"), text(random)];
    case 4:
      return ["SETRANGE", key("s"), random.below(100 * KIB), element()];
    case 5:
      return ["MSET", ...several(random, () => [key("s"), element()])];
    case 6:
      return ["LPUSH", key("l"), ...several(random, () => [element()])];
    case 7:
      return ["RPUSH", key("l"), text(random)];
    case 8:
      return ["LSET", key("l"), random.below(5), text(random)];
    case 9: {
      // Beside an element that is there.
      const list = key("l");
      const there = small.call("LINDEX", list, random.below(20));
      return [
        "LINSERT",
        list,
        random.pick(["BEFORE", "AFTER"]),
        there.slice(there.indexOf("\n") + 1, -2),
        text(random),
      ];
    }
    case 10:
      return ["LMOVE", key("l"), key("l"), random.pick(["LEFT", "RIGHT"]), random.pick(["LEFT", "RIGHT"])];
    case 11:
    case 12:
      return ["HSET", key("h"), ...several(random, () => [member(), element()])];
    case 13:
      return ["HSET", key("h"), member(), text(random)];
    case 14:
      return ["SADD", key("t"), ...several(random, () => [random.below(3) === 0 ? element() : member()])];
    case 15:
      return ["SMOVE", key("t"), key("t"), member()];
    case 16:
    case 17:
      return ["ZADD", key("z"), ...several(random, () => [member(), random.below(3) === 0 ? element() : member()])];
    case 18:
    case 19:
      return ["XADD", key("x"), `${++entry}-1`, ...several(random, () => ["f", element()])];
    case 20:
      return ["XADD", key("x"), `${++entry}-1`, "field", text(random)];
    case 21:
    case 22:
      return ["COPY", key(random.pick(["s", "l", "h", "t", "z", "x"])), key("s"), "REPLACE"];
    case 23: {
      const dump = small.call("DUMP", key(random.pick(["s", "l", "h", "t", "z", "x"])));
      return ["RESTORE", key("s"), 0, dump.slice(dump.indexOf("\n") + 1, -2), "REPLACE"];
    }
    case 24:
      return ["SUNIONSTORE", key("t"), key("t"), key("t"), key("t")];
    case 25:
      return ["ZUNIONSTORE", key("z"), 2, key("z"), key("t")];
    case 26:
      return ["SORT", key("t"), "ALPHA", "STORE", key("l")];
    case 27:
      return ["RENAME", key("s"), key("s")];
    case 28:
      return ["PEXPIREAT", key("s"), 10 ** 13 + random.below(1000)];
    case 29:
      return ["PERSIST", key("s")];
    case 30:
      return ["BITOP", "OR", key("s"), key("s"), key("s")];
    case 31:
      return ["PFADD", `p${random.below(KEYS)}`, ...several(random, () => [member()])];
    case 32:
      return ["ZRANGESTORE", key("z"), key("z"), 0, 1000];
    default:
      return [random.pick(["LPOP", "GETDEL", "HDEL", "SREM", "ZREM"]), key("l"), 1];
  }
}

test("what is refused changes nothing, all else is as without an end, and memory comes back", () => {
  const random = new Random("memory's end");
  const small = new Direct(new Heap(2));
  const large = new Direct();
  // Most of it is full before: what is left fills, and is emptied, several times. None of the commands is about that, so only the first has it.
  for (let i = 0; small.call("SETRANGE", `ballast${i}`, 6 * MIB, "end") !== OOM; i++);
  small.call("DEL", "ballast0");
  const held = (of: Direct): string[] =>
    TYPES.flatMap((type) => Array.from({ length: KEYS }, (_, k) => `${type}${k} ${of.digest(`${type}${k}`)}`));
  const del = (k: number): void => {
    for (const type of TYPES) expect(small.call("DEL", `${type}${k}`)).toBe(large.call("DEL", `${type}${k}`));
  };
  let refused = 0;
  let since = 0;
  let keptOn = 0;
  for (let i = 0; refused < REFUSED; i++) {
    if (i === 300_000) throw new Error(`only ${refused} were refused`);
    const words = command(random, small);
    const keys = words.map(String).filter((word) => /^[slhtzxp]\d+$/.test(word));
    const reply = small.call(...words);
    if (reply !== OOM) {
      const expected = large.call(...words);
      if (reply !== expected)
        throw new Error(`${words.join(" ").slice(0, 200)}: ${reply.slice(0, 200)}, not ${expected.slice(0, 200)}`);
      if (refused !== 0) keptOn++;
      continue;
    }
    refused++;
    for (const key of keys) {
      if (small.digest(key) === large.digest(key)) continue;
      throw new Error(`${words.join(" ").slice(0, 200)}: it changed ${key}`);
    }
    if (++since < REFUSED_BETWEEN) continue;
    since = 0;
    expect(held(small)).toEqual(held(large));
    // Whoever deletes is not refused.
    const kept: number[] = [];
    for (let k = 0; k < KEYS; k++) {
      if (random.below(3) === 0) kept.push(k);
      else del(k);
    }
    while (small.server.keyspace.releaseSome(1000));
    // What was kept may be all that there is room for.
    while (small.call("SET", "s0", "again") === OOM) {
      const k = kept.pop();
      if (k === undefined) throw new Error("a command is refused though all was deleted");
      del(k);
      while (small.server.keyspace.releaseSome(1000));
    }
    expect(large.call("SET", "s0", "again")).toBe("+OK\r\n");
  }
  expect(keptOn).toBeGreaterThan(100);
  expect(held(small)).toEqual(held(large));
  expect(small.empty()).toBe(large.empty());
}, 120_000);

/** A heap that has no room for one of some large blocks, wherever that is within a command. */
class Faulty extends Heap {
  private isFaulty = false;

  constructor(private readonly random: Random) {
    super();
  }

  /** One that is not low has room. */
  set fails(fails: boolean) {
    this.isFaulty = fails;
    this.isLow = fails;
  }

  override alloc(size: number): number {
    if (this.isFaulty && size > LARGE && this.random.below(8) === 0) throw new HeapFull();
    return super.alloc(size);
  }
}
/** Larger than what a change that cannot stop halfway is made of. */
const LARGE = 16 * KIB;
/** Commands that are to find none. */
const LARGE_REFUSED = 40;
/** Of several elements: those before may have been added. */
const OF_SEVERAL = new Set(["MSET", "LPUSH", "HSET", "SADD", "ZADD", "PFADD"]);

test("a command that finds no memory for a large block while it runs changes nothing", () => {
  const random = new Random("no large block");
  const heap = new Faulty(random);
  const small = new Direct(heap);
  const large = new Direct();
  let refused = 0;
  for (let i = 0; refused < LARGE_REFUSED; i++) {
    if (i === 20_000) throw new Error(`only ${refused} were refused`);
    const words = command(random, small);
    // What is put where it was taken from has just given back as much.
    heap.fails = words[0] !== "LMOVE" || words[1] !== words[2];
    const reply = small.call(...words);
    heap.fails = false;
    if (reply !== OOM) {
      const expected = large.call(...words);
      if (reply !== expected) throw new Error(`${words.join(" ").slice(0, 200)}: ${reply.slice(0, 200)}`);
      continue;
    }
    refused++;
    for (const key of words.map(String).filter((word) => /^[slhtzxp]\d+$/.test(word))) {
      if (!OF_SEVERAL.has(String(words[0])) && small.digest(key) !== large.digest(key))
        throw new Error(`${words.join(" ").slice(0, 200)}: it changed ${key}`);
      if (OF_SEVERAL.has(String(words[0]))) expect(small.call("DEL", key)).toMatch(/^:/);
      if (OF_SEVERAL.has(String(words[0]))) large.call("DEL", key);
    }
  }
  expect(small.all).toBe(large.all);
  expect(small.empty()).toBe(large.empty());
}, 120_000);

/** Fills a server until it refuses, by strings that are no larger than a span. */
function fill(one: Direct): void {
  for (let i = 0; ; i++) {
    const reply = one.call("SETRANGE", `fill${i}`, 1 + (i % 3) * 20 * KIB, "end");
    if (reply === OOM) return;
    if (!reply.startsWith(":")) throw new Error(reply);
  }
}

test("with a policy keys go first, and commands are served", () => {
  const one = new Direct(new Heap(2), (config) => {
    config.maxmemoryPolicy = "allkeys-random";
  });
  for (let i = 0; i < 10_000; i++) expect(one.call("SET", `k${i}`, "x".repeat(40 * KIB))).toBe("+OK\r\n");
  expect(one.server.keyspace.evicted).toBeGreaterThan(1000);
});

test("a transaction that began before the end is refused what comes behind it, and what cannot be put together is given back", () => {
  const one = new Direct(new Heap(2));
  for (let i = 0; i < 20_000; i++) one.call("SADD", "set", `member ${i} ${"x".repeat(1000)}`);
  for (let i = 0; i < 400; i++) one.call("SETRANGE", `room${i}`, 100 * KIB, "x");
  one.call("MULTI");
  for (let i = 0; i < 400; i++) one.call("SETRANGE", `more${i}`, 400 * KIB, "x");
  const replies = one.call("EXEC");
  expect(replies).toContain(OOM);
  const served = replies.split("\r\n").filter((line) => line.startsWith(":")).length;
  expect(served).toBeGreaterThan(10);
  expect(one.call("EXISTS", ...Array.from({ length: 400 }, (_, i) => `more${i}`))).toBe(`:${served}\r\n`);
  for (const i of [1, 2, 3]) one.call("DEL", `more${i}`);
  const { used } = one.server.keyspace.heap;
  for (const words of [
    ["COPY", "set", "other"],
    ["SUNIONSTORE", "other", "set", "none"],
    ["ZUNIONSTORE", "other", 1, "set"],
    ["SORT", "set", "BY", "nosort", "STORE", "other"],
    ["SETRANGE", "other", 120 * MIB, "x"],
  ]) {
    expect(one.call(...words)).toBe(OOM);
    expect(one.server.keyspace.heap.used).toBeLessThanOrEqual(used + 64);
    expect(one.call("EXISTS", "other")).toBe(":0\r\n");
  }
  expect(one.call("SCARD", "set")).toBe(":20000\r\n");
});

test("a machine without memory is as a full heap, until it has some again", () => {
  const one = new Direct(new Heap());
  one.call("SET", "a", "b");
  const native = globalThis.ArrayBuffer;
  let has = false;
  globalThis.ArrayBuffer = new Proxy(native, {
    construct(target, [bytes]) {
      if (!has && bytes > MIB) throw new RangeError("Array buffer allocation failed");
      return new target(bytes);
    },
  });
  try {
    fill(one);
    expect(one.call("GET", "a")).toBe("$1\r\nb\r\n");
    has = true;
    one.server.keyspace.heap.tend();
    expect(one.call("SET", "c", "d".repeat(MIB))).toBe("+OK\r\n");
  } finally {
    globalThis.ArrayBuffer = native;
  }
});

test("a heap without room has lost nothing, and gives what is freed", () => {
  const random = new Random("a full heap");
  const heap = new Heap(2);
  const refs: number[] = [];
  const sizeOf = (): number => 1 + random.below(random.below(3) === 0 ? 3 * MIB : 30 * KIB);
  for (let round = 0; round < 5; round++) {
    let failed = 0;
    while (failed < 100) {
      const before = heap.used;
      try {
        refs.push(heap.alloc(sizeOf()));
      } catch (error) {
        expect(error).toBeInstanceOf(HeapFull);
        expect(heap.used).toBe(before);
        failed++;
      }
    }
    expect(heap.reserved).toBe(256 * MIB);
    while (refs.length > 100) heap.free(refs.splice(random.below(refs.length), 1)[0]);
  }
  for (const ref of refs) heap.free(ref);
  expect([heap.used, heap.lacks(MIB)]).toEqual([0, false]);
  for (let i = 0; i < 100; i++) heap.alloc(MIB);
});
