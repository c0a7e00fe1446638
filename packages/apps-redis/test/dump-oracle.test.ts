/** DUMP and RESTORE beside redis-server: the same bytes, taken by either; old forms of values; bytes that nobody should take. */
import { Crc64 } from "../src/encodings/crc64.js";
import { FOOTER_BYTES } from "./dump.js";
import { Random } from "./random.js";
import type { Request } from "./resp-client.js";
import { sideBySide } from "./side-by-side.js";

/** Version and checksum behind a value's bytes. */
function payload(value: string, version = 10): string {
  const bytes = Buffer.from(`${value}${String.fromCharCode(version, 0)}`, "latin1");
  const checksum = new Uint8Array(8);
  new Crc64().update(bytes, 0, bytes.length).write(checksum, 0);
  return bytes.toString("latin1") + Buffer.from(checksum).toString("latin1");
}

const text = (random: Random): string => {
  const kind = random.below(6);
  if (kind < 2) return random.integerText();
  if (kind === 2) return "ab".repeat(random.below(300));
  return random.bytes(random.below(kind === 3 ? 300 : 40));
};

/** Commands that make values of all types and sizes. */
function values(random: Random): Request[] {
  const commands: Request[] = [];
  const some = (most: number) => 1 + random.below(random.below(3) === 0 ? most : 12);
  for (let i = 0; i < 15; i++) {
    const list = Array.from({ length: some(300) }, () => text(random));
    commands.push(["SET", `string${i}`, text(random)]);
    commands.push(["RPUSH", `list${i}`, ...list]);
    commands.push(["SADD", `set${i}`, ...(i % 2 === 0 ? list : list.map((_, n) => n * 2 ** (i * 4)))]);
    commands.push(["HSET", `hash${i}`, ...list.flatMap((one) => [one, text(random)])]);
    commands.push([
      "ZADD",
      `zset${i}`,
      ...list.flatMap((one) => [(random.below(2000) - 1000) / random.pick([1, 3, 10]), one]),
    ]);
  }
  commands.push(["RPUSH", "list:large", "x".repeat(20_000), "y", "z".repeat(9000)]);
  return commands;
}

const string = (value: string): string =>
  (value.length < 64
    ? String.fromCharCode(value.length)
    : `\x80\0\0${String.fromCharCode(value.length >> 8, value.length & 255)}`) + value;

/** An element of a ziplist behind one of `before` bytes. */
const zipEntry = (before: number, head: string, body = ""): string => String.fromCharCode(before) + head + body;

function ziplist(entries: readonly [string, string?][]): string {
  let body = "";
  let last = 10;
  let before = 0;
  for (const [head, rest] of entries) {
    const entry = zipEntry(before, head, rest);
    last = 10 + body.length;
    before = entry.length;
    body += entry;
  }
  const head = Buffer.alloc(10);
  head.writeUInt32LE(body.length + 11, 0);
  head.writeUInt32LE(last, 4);
  head.writeUInt16LE(entries.length, 8);
  return `${head.toString("latin1")}${body}\xff`;
}

const ENTRIES: readonly [string, string?][] = [
  ["\x03", "abc"],
  ["\xf5"],
  ["\x40\x05", "later"],
  ["\xfe", "\x85"],
  ["\xc0", "\x10\xf0"],
  ["\xf0", "\x01\x02\x83"],
  ["\xd0", "\x01\x02\x03\x84"],
  ["\xe0", "\x01\x02\x03\x04\x05\x06\x07\x08"],
];
/** Members with their scores. */
const SCORES: readonly [string, string?][] = [["\x01", "m"], ["\xf2"], ["\x01", "n"], ["\x03", "2.5"]];

const OLD_FORMS: readonly string[] = [
  `\x0a${string(ziplist(ENTRIES))}`,
  `\x0d${string(ziplist(ENTRIES))}`,
  `\x0c${string(ziplist(SCORES))}`,
  `\x0e\x02${string(ziplist(ENTRIES))}${string(ziplist(SCORES))}`,
  `\x0e\x01${string(ziplist([]))}`,
  `\x09${string("\x02\x01a\x02\x01bc\0\x02de\x01\0f\xff")}`,
  `\x01\x03${string("a")}\xc0\x05${string("c")}`,
  `\x02\x03${string("a")}\xc0\x05${string("c")}`,
  "\x02\x02\xc0\x05\xc1\x05\x06",
  `\x02\x02${string("a")}${string("a")}`,
  `\x03\x03${string("a")}\x033.5${string("b")}\xff${string("c")}\xfe`,
  `\x03\x01${string("a")}\xfd`,
  `\x05\x01${string("a")}\0\0\0\0\0\0\xf0\x3f`,
  `\x04\x02${string("a")}${string("1")}${string("b")}\xc2\x01\x02\x03\x04`,
  "\x04\0",
  "\x06\x01",
  `\x12\x02\x01${string("plain")}\x02${string("\x0d\0\0\0\x02\0\x01\x01\x81a\x02\xff")}`,
  "\x00\xc3\x03\x05\x01ab",
  "\x00\x81\xff\xff\xff\xff\xff\xff\xff\xff",
];

/** Of the old forms, those that are right. */
const TAKEN = 11;

const READ: Record<string, (key: string) => Request> = {
  string: (key) => ["GET", key],
  list: (key) => ["LRANGE", key, 0, -1],
  set: (key) => ["SMEMBERS", key],
  hash: (key) => ["HGETALL", key],
  zset: (key) => ["ZRANGE", key, 0, -1, "WITHSCORES"],
};

sideBySide("DUMP and RESTORE", [], (both) => {
  test("give and take the same bytes", async () => {
    const random = new Random("dump");
    await both.compare(values(random).map((command) => ({ command })));
    const keys = ((await both.ours([["KEYS", "*"]]))[0] as string[]).sort();
    const dumps = keys.map((key): Request => ["DUMP", key]);
    const [ours, theirs] = await Promise.all([both.ours(dumps), both.redis(dumps)]);
    const encodings = await both.ours(keys.map((key) => ["OBJECT", "ENCODING", key]));
    for (const [i, key] of keys.entries()) {
      // What a hash table holds is in no order.
      if (encodings[i] !== "hashtable") expect({ key, dump: ours[i] }).toEqual({ key, dump: theirs[i] });
    }
    await both.ours(keys.map((key, i) => ["RESTORE", `${key}:copy`, 0, theirs[i] as string]));
    await both.redis(keys.map((key, i) => ["RESTORE", `${key}:copy`, 0, ours[i] as string]));
    const normal = (key: string) =>
      /^hash|^set/.test(key) ? { normal: (all: unknown) => [...(all as string[])].sort() } : {};
    await both.compare(
      keys.flatMap((key) => [
        { command: (READ[key.replace(/[^a-z].*/, "")] as (key: string) => Request)(`${key}:copy`), ...normal(key) },
        { command: ["OBJECT", "ENCODING", `${key}:copy`] },
      ]),
    );
  });

  test("take what older versions wrote, and refuse what is none", async () => {
    const commands: Request[] = OLD_FORMS.flatMap((value, i): Request[] => [
      ["RESTORE", `old${i}`, 0, payload(value, 7)],
      ["TYPE", `old${i}`],
      ["OBJECT", "ENCODING", `old${i}`],
      ["LRANGE", `old${i}`, 0, -1],
      ["HGET", `old${i}`, "abc"],
      ["HLEN", `old${i}`],
      ["ZRANGE", `old${i}`, 0, -1, "WITHSCORES"],
      ["SCARD", `old${i}`],
      ["DUMP", `old${i}`],
    ]);
    const isOrdered = ([name, key]: Request) => name !== "DUMP" || !["old7", "old9"].includes(String(key));
    const replies = await both.compare(commands.filter(isOrdered).map((command) => ({ command })));
    expect(replies.filter((reply) => reply === "OK")).toHaveLength(TAKEN);
  });

  test("have the same options and errors", async () => {
    const good = payload(`\0${string("value")}`);
    const options: Request[] = [
      [],
      ["REPLACE"],
      ["replace", "IDLETIME", "100"],
      ["IDLETIME", "-1"],
      ["FREQ", "256"],
      ["FREQ", "x"],
      ["REPLACE", "FREQ", "5"],
      ["IDLETIME", "1", "FREQ", "1"],
      ["ABSTTL", "REPLACE"],
      ["IDLETIME"],
    ];
    const ttls = [0, -1, "x", 4102444800000, 1, "9223372036854775807"];
    const commands: Request[] = [["SET", "there", "1"]];
    for (const option of options)
      for (const ttl of ttls)
        for (const key of ["there", "new"])
          commands.push(["RESTORE", key, ttl, good, ...option], ["GET", key], ["DEL", "new"]);
    for (const bad of ["", "x", good.slice(1), `${good.slice(0, -1)}x`, payload(`\0${string("value")}`, 11)])
      commands.push(["RESTORE", "new", 0, bad]);
    await both.compare(commands.map((command) => ({ command })));
  });

  test("any bytes are taken or refused, and what was taken can be used", async () => {
    const random = new Random("hostile dump");
    await both.ours([["FLUSHALL"], ...values(random)]);
    const keys = (await both.ours([["KEYS", "*"]]))[0] as string[];
    const dumps = (await both.ours(keys.map((key) => ["DUMP", key]))) as string[];
    const sources = [...dumps.map((dump) => dump.slice(0, -FOOTER_BYTES)), ...OLD_FORMS].filter(
      (one) => one.length < 4000,
    );
    let refused = 0;
    let taken = 0;
    for (let round = 0; round < 10; round++) {
      const commands: Request[] = [];
      for (let i = 0; i < 70; i++) {
        commands.push(["RESTORE", "hostile", 0, payload(mutated(random, random.pick(sources))), "REPLACE"]);
        for (const read of Object.values(READ)) commands.push(read("hostile"));
        commands.push(["DUMP", "hostile"], ["COPY", "hostile", "other", "REPLACE"], ["LPUSH", "hostile", "x"]);
        commands.push(["HSET", "hostile", "f", "v"], ["ZADD", "hostile", 1, "m"], ["SADD", "hostile", "m"]);
        commands.push(["LPOP", "hostile", 3], ["DEL", "hostile"]);
      }
      const replies = await both.ours(commands);
      for (const [i, reply] of replies.entries()) {
        if (commands[i][0] !== "RESTORE") continue;
        if (reply === "OK") taken++;
        else refused++;
        if (reply !== "OK") expect((reply as Error).message).toBe("ERR Bad data format");
      }
    }
    expect(refused).toBeGreaterThan(0);
    expect(taken).toBeGreaterThan(0);
  });
});

function mutated(random: Random, value: string): string {
  let bytes = value;
  for (let n = 1 + random.below(4); n > 0; n--) {
    const at = random.below(random.below(2) === 0 ? Math.min(bytes.length, 20) : bytes.length);
    const kind = random.below(4);
    const byte = String.fromCharCode(random.pick([0, 1, 127, 128, 255, random.below(256)]));
    if (kind === 0) bytes = bytes.slice(0, at) + bytes.slice(at + 1 + random.below(8));
    else if (kind === 1) bytes = bytes.slice(0, at) + byte + bytes.slice(at);
    else bytes = bytes.slice(0, at) + byte + bytes.slice(at + 1);
  }
  return bytes;
}
