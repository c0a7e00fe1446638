/** RDB files through windows, and files that are wrong in any place: what is read is what was written, or it is refused with the place. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Config } from "../src/config/config.js";
import { loadRdbFile, loadRdbFileNow } from "../src/persistence/load-rdb.js";
import { readRdb } from "../src/rdb/file-reader.js";
import { RdbFileWriter } from "../src/rdb/file-writer.js";
import { BadFormat } from "../src/rdb/format.js";
import { Direct } from "./direct.js";
import { Random } from "./random.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "demi-redis-rdb-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The file that SAVE writes. */
function saved({ server }: Direct, libraries: readonly string[] = []): Buffer {
  const pieces: Buffer[] = [];
  const sink = {
    write: (bytes: Uint8Array, at: number, length: number) => pieces.push(Buffer.from(bytes.subarray(at, at + length))),
    isFull: false,
  };
  const writer = new RdbFileWriter(server.config, server.evictor, sink);
  writer.begin([
    ["redis-ver", "7.0.15"],
    ["used-mem", "12345"],
  ]);
  for (const library of libraries) writer.library(library);
  for (const db of server.keyspace.dbs) db.dict.each((ref) => writer.key(db.id, db, ref));
  writer.end();
  return Buffer.concat(pieces);
}

/** Values of every type, small and large. */
function fill(direct: Direct, random: Random, size: number, large = 600): void {
  const many = (count: number): string[] =>
    Array.from({ length: count }, (_, i) => `${random.bytes(random.below(9))}${i}`);
  for (let i = 0; i < size; i++) {
    direct.call("SELECT", random.below(3));
    const count = random.below(12) === 0 ? large : 1 + random.below(9);
    direct.call("SET", `string${i}`, random.below(3) === 0 ? random.integerText() : "ab".repeat(random.below(60)));
    direct.call("SET", `more${i}`, random.bytes(random.below(60)), "PXAT", String(Date.now() + 1e7 + i));
    direct.call("RPUSH", `list${i}`, ...many(count), "x".repeat(random.below(large * 10)));
    direct.call("SADD", `set${i}`, ...(i % 2 === 0 ? many(count) : Array.from({ length: count }, (_, n) => n * 7)));
    direct.call("ZADD", `zset${i}`, ...many(count).flatMap((member) => [random.below(1000) / 8, member]));
    direct.call("HSET", `hash${i}`, ...many(count).flatMap((field) => [field, random.bytes(random.below(30))]));
    for (let n = 0; n < count; n++) direct.call("XADD", `stream${i}`, `${n + 1}-1`, "field", random.bytes(5));
    direct.call("XGROUP", "CREATE", `stream${i}`, "group", "0");
    direct.call("XREADGROUP", "GROUP", "group", "me", "COUNT", "3", "STREAMS", `stream${i}`, ">");
  }
}

test("a file that is many windows long, with strings that are longer than one, is loaded in slices and at once", async () => {
  const random = new Random("windows");
  const direct = new Direct();
  fill(direct, random, 25);
  direct.call("SET", "large", random.bytes(900_000));
  direct.call("SET", "packed", "abc".repeat(900_000));
  direct.call("RPUSH", "wide", random.bytes(300_000), "y".repeat(600_000), random.bytes(262_144));
  for (let n = 0; n < 2; n++)
    direct.call("ZADD", "scores", ...Array.from({ length: 4000 }, (_, i) => [i / 3, `member${n * 4000 + i}`]).flat());
  const path = join(folder, "windows.rdb");
  const bytes = saved(direct, ["#!lua name=one\n", "#!lua name=two\n"]);
  expect(bytes.length).toBeGreaterThan(5 * 256 * 1024);
  // An append-only file may go on behind it.
  writeFileSync(path, Buffer.concat([bytes, Buffer.from("*1\r\n$4\r\nPING\r\n")]));

  const sliced = new Direct();
  sliced.server.config.loadingProcessEventsIntervalBytes = 20_000;
  const seen: number[] = [];
  const loading = loadRdbFile(sliced.server, path, {
    onProgress: (loaded) => seen.push(loaded),
  });
  expect(sliced.server.loading.isOn).toBe(true);
  expect(sliced.call("GET", "large")).toBe("-LOADING Redis is loading the dataset in memory\r\n");
  expect(sliced.call("INFO", "persistence")).toMatch(/^loading:1\r$/m);
  const contents = await loading;
  expect(contents.length).toBe(bytes.length);
  expect(contents.libraries).toEqual(["#!lua name=one\n", "#!lua name=two\n"]);
  expect(contents.facts.get("used-mem")).toBe("12345");
  expect(seen.length).toBeGreaterThan(5);
  expect(sliced.server.loading.isOn).toBe(false);
  expect(sliced.all).toBe(direct.all);

  const whole = new Direct();
  loadRdbFileNow(whole.server, path);
  expect(whole.all).toBe(direct.all);
  expect(() => loadRdbFileNow(whole.server, path)).toThrow(/^at offset \d+: a key that is there already$/);
  loadRdbFileNow(whole.server, path, { merges: true });
  expect(whole.all).toBe(direct.all);
});

test("keys whose time is over are not loaded, but by who keeps them", () => {
  const direct = new Direct();
  direct.call("SET", "gone", "1", "PX", "1");
  direct.call("SET", "here", "1", "PX", "100000000");
  const bytes = saved(direct);
  // Whatever the clock says: it is as if it had been saved long ago.
  const now = Date.now();
  while (Date.now() <= now + 3);
  const master = new Direct();
  expect(readRdb(bytes, master.server)).toMatchObject({ keys: 1, expired: 1 });
  const replica = new Direct();
  expect(readRdb(bytes, replica.server, { keepsExpired: true })).toMatchObject({ keys: 2, expired: 0 });
});

test("what the policy knows of a key's use comes back", () => {
  for (const policy of ["allkeys-lru", "volatile-lfu"]) {
    const [direct, other] = [new Direct(), new Direct()];
    for (const { server } of [direct, other]) server.config.change("maxmemory-policy", policy);
    direct.call("RESTORE", "a", "0", dumped(direct), policy.endsWith("lru") ? "IDLETIME" : "FREQ", "77");
    readRdb(saved(direct), other.server);
    expect(other.call("OBJECT", policy.endsWith("lru") ? "IDLETIME" : "FREQ", "a")).toBe(":77\r\n");
  }
});

function dumped(direct: Direct): string {
  direct.call("SET", "made", "1");
  const reply = direct.call("DUMP", "made");
  direct.call("DEL", "made");
  return reply.slice(reply.indexOf("\n") + 1, -2);
}

test("files of which any byte is wrong, or that end anywhere, are refused with the offset, and nothing is left behind", () => {
  const random = new Random("wrong files");
  // Of few elements, and some of them large all the same.
  const small = (config: Config): void => {
    Object.assign(config, { hashMaxListpackEntries: 4, zsetMaxListpackEntries: 4, setMaxIntsetEntries: 4 });
  };
  const direct = new Direct(undefined, small);
  fill(direct, random, 3, 20);
  const right = saved(direct);
  const other = new Direct(undefined, (config) => {
    small(config);
    // Else that would be all that is found.
    config.rdbchecksum = false;
  });
  readRdb(right, other.server);
  const used = other.empty();
  let refused = 0;
  for (let round = 0; round < 1000; round++) {
    const bytes = Buffer.from(right.subarray(0, random.below(4) === 0 ? random.below(right.length) : right.length));
    for (let i = random.below(4); i > 0; i--) {
      if (bytes.length === 0) break;
      bytes[random.below(bytes.length)] ^= 1 << random.below(8);
    }
    try {
      readRdb(bytes, other.server);
      // It may hold what it should not, but nothing that a command cannot read.
      if (round % 20 === 0) expect(other.all).toMatch(/^[0-9a-f]{40}$/);
    } catch (error) {
      if (!(error instanceof BadFormat)) throw error;
      expect(error.message).toMatch(/^at offset \d+: /);
      refused++;
    }
    if (other.empty() !== used) throw new Error(`round ${round}: ${other.empty() - used} bytes are left`);
  }
  expect(refused).toBeGreaterThan(300);
  const path = join(folder, "wrong.rdb");
  const sound = new Direct();
  for (let round = 0; round < 50; round++) {
    const bytes = Buffer.from(right);
    bytes[random.below(bytes.length)] ^= 1 << random.below(8);
    writeFileSync(path, bytes);
    // Where the checksum itself is none it says nothing.
    expect(() => loadRdbFileNow(sound.server, path)).toThrow(BadFormat);
    sound.empty();
  }
});
