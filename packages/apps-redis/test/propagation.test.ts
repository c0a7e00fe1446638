/** What is told beside commands and instead of them, to whom, and what becomes of it without memory. */
import { Heap } from "../src/memory/heap.js";
import { Args } from "../src/protocol/args.js";
import { RequestParser } from "../src/protocol/request-parser.js";
import { commandsOf } from "./changes.js";
import { Direct } from "./direct.js";
import { Followed, Recorder, replay, type Told } from "./followed.js";
import { Random } from "./random.js";

/** Commands that end half way for want of memory. */
const REFUSED = 3;

const shown = (told: readonly Told[]): string[] => told.map(({ db, words }) => `${db}> ${words.join(" ")}`);

/** What is told of these commands. */
function toldOf(followed: Followed, line: string): string[] {
  for (const { client, words } of commandsOf(line)) followed.send(client, words);
  return shown(followed.recorder.told.splice(0));
}

/** Until the time of all keys that were given a millisecond is over. */
function passMilliseconds(): void {
  for (const end = Date.now() + 3; Date.now() < end; );
}

test("a key whose time is over is told before the command that finds it, as one with it", () => {
  const followed = new Followed();
  followed.server.activeExpiry.isOn = false;
  toldOf(followed, "SET a 1 PX 1; SET b 1 PX 1; SET c 1 PX 1; SET d 1 PX 1; SET e 1 PX 1; SET f 1 PX 1");
  passMilliseconds();
  expect(toldOf(followed, "GET a; GET a")).toEqual(["0> DEL a"]);
  expect(toldOf(followed, "SET b 2")).toEqual(["0> MULTI", "0> DEL b", "0> SET b 2", "0> EXEC"]);
  expect(toldOf(followed, "CONFIG SET lazyfree-lazy-expire yes; MULTI; GET c; INCR n; EXEC")).toEqual([
    "0> MULTI",
    "0> UNLINK c",
    "0> INCR n",
    "0> EXEC",
  ]);
  // Of SCAN they are told one by one.
  expect(toldOf(followed, "SCAN 0 COUNT 1000").sort()).toEqual(["0> UNLINK d", "0> UNLINK e", "0> UNLINK f"]);
});

test("keys that were evicted, or whose time is over while nobody asks, are told one by one", () => {
  const followed = new Followed();
  toldOf(followed, "SET a 1 PX 1; SET b 1 PX 1");
  passMilliseconds();
  const { server } = followed;
  server.keyspace.setNow(Date.now());
  server.activeExpiry.run(performance.now() + 1000);
  server.propagation.flush();
  expect(shown(followed.recorder.told.splice(0)).sort()).toEqual(["0> DEL a", "0> DEL b"]);
  toldOf(followed, `SET a ${"x".repeat(1000)}; SET b ${"x".repeat(1000)}; CONFIG SET maxmemory-policy allkeys-random`);
  server.config.maxmemory = 1;
  server.memory.isLimited = true;
  expect(followed.send(1, ["SET", "c", "1"])).toMatch(/^-OOM/);
  expect(shown(followed.recorder.told).sort()).toEqual(["0> DEL a", "0> DEL b"]);
});

test("who keeps the dataset is not told messages", () => {
  const followed = new Followed();
  const file = new Recorder(false);
  followed.server.propagation.follow(file);
  const line =
    "PUBLISH c m; MULTI; PUBLISH c n; EXEC; MULTI; PUBLISH c o; PUBLISH c p; EXEC; MULTI; SET a 1; PUBLISH c q; EXEC";
  expect(toldOf(followed, line)).toHaveLength(10);
  expect(shown(file.told)).toEqual(["0> MULTI", "0> SET a 1", "0> EXEC"]);
});

test("who has left is told nothing, and what was not told is not told to who comes next", () => {
  const followed = new Followed();
  const { propagation } = followed.server;
  propagation.also(0, "DEL", "old");
  propagation.leave(followed.recorder);
  followed.send(1, ["FLUSHALL"]);
  followed.send(1, ["PUBLISH", "a", "b"]);
  const next = new Recorder();
  propagation.follow(next);
  followed.send(1, ["GET", "a"]);
  followed.send(1, ["SET", "a", "1"]);
  expect(shown(next.told)).toEqual(["0> SET a 1"]);
});

test("a request is told as RESP, however it came", () => {
  const random = new Random("requests that are told");
  const followed = new Followed();
  const client = followed.client(1);
  const parser = new RequestParser();
  for (let n = 0; n < 500; n++) {
    const words = [
      "RPUSH",
      "l",
      ...Array.from({ length: 1 + random.below(12) }, () => random.bytes(random.below(300))),
    ];
    let text = `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
    const kind = random.below(4);
    // The parser takes any byte for a line feed.
    if (kind === 0) {
      const ends = [...text.matchAll(/\r\n/g)].map(({ index }) => index + 1);
      const at = random.pick(ends.filter((end) => end < 4 || end === text.length - 1));
      text = `${text.slice(0, at)}x${text.slice(at + 1)}`;
    }
    const before = random.bytes(random.below(40));
    const bytes = Buffer.from(before + text, "latin1");
    let args = Args.of(...words);
    if (kind < 3) {
      parser.begin(bytes, before.length);
      expect(parser.next(bytes.length, 1e9, true)).toBe(1);
      args = parser.take();
    }
    followed.run(client, args);
    expect(followed.recorder.told.splice(0)).toEqual([{ db: 0, words }]);
  }
});

test("followers whose memory has no end have what is there where memory ends half way through commands", () => {
  const random = new Random("memory's end, followed");
  const followed = new Followed(() => {}, new Heap(2));
  const other = new Direct();
  const { heap } = followed.server.keyspace;
  // Most of it is full before.
  for (let i = 0; i < 31; i++) followed.send(1, ["SET", `full${i}`, "x".repeat(8 * 1024 * 1024)]);
  followed.recorder.told.length = 0;
  const keys = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((i) => ["l", "t", "h", "z", "s"].map((type) => `${type}${i}`));
  const digests = (direct: Direct): string[] => keys.map((key) => `${key} ${direct.digest(key)}`);
  const many = (n: number, length: number): string[] =>
    Array.from({ length: n }, () => random.word().toString(36) + "y".repeat(random.below(length)));
  let refused = 0;
  let restored = 0;
  for (let n = 0; refused < REFUSED && n < 4000; n++) {
    const key = random.below(6);
    const words = random.pick([
      () => ["RPUSH", `l${key}`, ...many(40, 60_000)],
      () => ["SADD", `t${key}`, ...many(300, 3000)],
      () => ["HSET", `h${key}`, ...many(200, 3000)],
      () => ["ZADD", `z${key}`, ...many(100, 3000).flatMap((one, i) => [String(i), one])],
      () => ["MSET", ...many(10, 100_000).flatMap((one, i) => [`s${i}`, one])],
      () => ["SUNIONSTORE", `t${key}`, "t0", "t1", "t2"],
      () => ["SORT", `l${key}`, "ALPHA", "STORE", "l0"],
    ])();
    // As those commands that need not be refused: they go on until nothing is left.
    const { commands } = followed.server;
    const command = commands.all.get(words[0].toLowerCase()) as { deniesOutOfMemory: boolean };
    command.deniesOutOfMemory = false;
    const reply = followed.send(1, words);
    if (/^-OOM/.test(reply)) {
      refused++;
      restored += followed.recorder.told.filter(({ words: [name] }) => name === "RESTORE").length;
      if (refused % 2 === 0) followed.send(1, ["DEL", ...keys]);
      while (followed.server.keyspace.releaseSome(1000));
    }
    replay(followed.recorder.told.splice(0), other);
    if (/^-OOM/.test(reply)) expect(digests(other)).toEqual(digests(followed.direct));
  }
  expect(heap.isLow).toBe(true);
  expect(refused).toBe(REFUSED);
  expect(restored).toBeGreaterThan(0);
  expect(followed.recorder.losses).toBe(0);
});

test("without memory to tell, followers hear that they lack something, and are told what comes after", () => {
  const followed = new Followed();
  const { propagation } = followed.server;
  const allocate = Buffer.allocUnsafeSlow;
  followed.send(1, ["MULTI"]);
  followed.send(1, ["SET", "a", "x".repeat(100_000)]);
  followed.send(1, ["SET", "b", "1"]);
  Buffer.allocUnsafeSlow = () => {
    throw new RangeError("Array buffer allocation failed");
  };
  try {
    followed.send(1, ["EXEC"]);
  } finally {
    Buffer.allocUnsafeSlow = allocate;
  }
  expect(followed.recorder.losses).toBe(1);
  expect(followed.recorder.told).toEqual([]);
  followed.send(1, ["SET", "b", "2"]);
  expect(shown(followed.recorder.told)).toEqual(["0> SET b 2"]);
  expect(propagation.isOn).toBe(true);
});
