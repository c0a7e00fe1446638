/** A snapshot is the dataset as it was when it began, whatever is done meanwhile; and what is told beside it makes of it what the dataset is then. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RequestParser } from "../src/protocol/request-parser.js";
import { readRdb } from "../src/rdb/file-reader.js";
import { type ByteSink, RdbFileWriter } from "../src/rdb/file-writer.js";
import { dispatch } from "../src/server/dispatch.js";
import { Snapshot } from "../src/snapshot/snapshot.js";
import { Direct } from "./direct.js";
import { Random } from "./random.js";

class Gathered implements ByteSink {
  private readonly pieces: Buffer[] = [];
  readonly isFull = false;
  write(bytes: Uint8Array, at: number, length: number): void {
    this.pieces.push(Buffer.from(bytes.subarray(at, at + length)));
  }
  get bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }
}

/** A command that writes, or changes many keys at once. */
function change(random: Random): string[] {
  const key = (): string => `key${random.below(400)}`;
  const text = (): string => "v".repeat(random.below(90)) + random.below(1000);
  const many = (): string[] => Array.from({ length: 1 + random.below(40) }, text);
  switch (random.below(24)) {
    case 0:
      return ["DEL", key(), key()];
    case 1:
      return ["RPUSH", `l${key()}`, ...many()];
    case 2:
      return ["SADD", `s${key()}`, ...many()];
    case 3:
      return ["ZADD", `z${key()}`, ...many().flatMap((one) => [String(random.below(100)), one])];
    case 4:
      return ["HSET", `h${key()}`, ...many().flatMap((one) => [one, text()])];
    case 5:
      return ["XADD", `x${key()}`, `${random.below(1e6)}-1`, "a", text()];
    case 6:
      return ["RENAME", key(), key()];
    case 7:
      return ["COPY", key(), key(), "REPLACE"];
    case 8:
      return ["PEXPIREAT", key(), String(Date.now() + 1e7)];
    case 9:
      return ["PERSIST", key()];
    case 10:
      return ["MOVE", key(), String(1 + random.below(3))];
    case 11:
      return ["LPOP", `l${key()}`];
    case 12:
      return ["ZUNIONSTORE", `z${key()}`, "2", `z${key()}`, `z${key()}`];
    case 13:
      return ["SORT", `l${key()}`, "ALPHA", "STORE", `l${key()}`];
    case 14:
      return random.below(30) === 0 ? ["SWAPDB", "0", String(random.below(4))] : ["APPEND", key(), text()];
    case 15:
      return random.below(60) === 0 ? ["FLUSHDB"] : ["INCR", `n${key()}`];
    case 16:
      return ["SELECT", String(random.below(3))];
    case 17:
      return random.below(200) === 0 ? ["FLUSHALL"] : ["SETRANGE", key(), "3", text()];
    default:
      return ["SET", key(), text()];
  }
}

function loaded(bytes: Uint8Array): Direct {
  const made = new Direct();
  readRdb(bytes, made.server);
  return made;
}

test("what a snapshot has is what there was when it began, and what is told from there on leads to what there is at its end", () => {
  const random = new Random("snapshot");
  const folder = mkdtempSync(join(tmpdir(), "demi-redis-snapshot-"));
  try {
    for (let round = 0; round < 3; round++) {
      const direct = new Direct();
      const { server } = direct;
      for (let i = 0; i < 1500; i++) direct.call(...change(random));
      const before = direct.all;
      const sink = new Gathered();
      const writer = new RdbFileWriter(server.config, server.evictor, sink);
      writer.begin([["redis-ver", "7.0.15"]]);
      const snapshot = new Snapshot(server.keyspace, writer);
      const told: { db: number; command: Buffer }[] = [];
      server.propagation.follow({
        command: (db, bytes, at, length) => told.push({ db, command: Buffer.from(bytes.subarray(at, at + length)) }),
      });
      while (!snapshot.run(0)) {
        for (let i = random.below(4); i > 0; i--) direct.call(...change(random));
        server.keyspace.releaseSome(0);
      }
      writer.end();
      expect(server.keyspace.snapshot).toBeUndefined();
      const other = loaded(sink.bytes);
      expect(other.all).toBe(before);
      const file = join(folder, "dump.rdb");
      writeFileSync(file, sink.bytes);
      expect(execFileSync("redis-check-rdb", [file]).toString()).toMatch(/RDB looks OK/);
      const parser = new RequestParser();
      for (const { db, command } of told) {
        other.client.db = db;
        parser.begin(command, 0);
        parser.next(command.length, 1e9, true);
        other.server.call.reply.reset();
        dispatch(other.server, other.client, parser.take());
      }
      expect(other.all).toBe(direct.all);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("an abandoned snapshot lets the next one begin, which has everything", () => {
  const direct = new Direct();
  for (let i = 0; i < 5000; i++) direct.call("SET", `key${i}`, i);
  const { server } = direct;
  const first = new Snapshot(server.keyspace, { key: () => {}, isFull: false });
  expect(() => new Snapshot(server.keyspace, undefined)).toThrow("there is a snapshot");
  // Buckets that a table has moved to a larger one are empty.
  while (first.told === 0) first.run(0);
  expect(first.told).toBeLessThan(5000);
  first.abandon();
  first.run(Number.POSITIVE_INFINITY);
  const sink = new Gathered();
  const writer = new RdbFileWriter(server.config, server.evictor, sink);
  writer.begin([]);
  const second = new Snapshot(server.keyspace, writer);
  second.run(Number.POSITIVE_INFINITY);
  writer.end();
  expect(second.told).toBe(5000);
  expect(loaded(sink.bytes).all).toBe(direct.all);
});

test("keys that were flushed go as soon as the snapshot that wanted them is abandoned", () => {
  const direct = new Direct();
  const { server } = direct;
  for (let i = 0; i < 5000; i++) direct.call("SET", `key${i}`, i);
  const { used } = server.keyspace.heap;
  const snapshot = new Snapshot(server.keyspace, { key: () => {}, isFull: false });
  while (snapshot.told === 0) snapshot.run(0);
  direct.call("FLUSHALL");
  while (server.keyspace.releaseSome(1000));
  expect(server.keyspace.heap.used).toBe(used);
  snapshot.abandon();
  expect(snapshot.isOver).toBe(true);
  expect(server.keyspace.snapshot).toBeUndefined();
  expect(direct.empty()).toBeLessThan(used / 10);
});
