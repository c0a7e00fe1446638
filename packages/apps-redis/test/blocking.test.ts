import { setTimeout as pause } from "node:timers/promises";
import { Random } from "./random.js";
import type { Request } from "./resp-client.js";
import { SeveralClients } from "./several-clients.js";
import { sideBySide } from "./side-by-side.js";

const CLIENTS = 6;

sideBySide("clients that wait, with redis-server", [], (both) => {
  let all: SeveralClients;
  beforeAll(async () => {
    all = await SeveralClients.start(both.servers(), CLIENTS);
  });
  afterAll(() => all?.close());
  /** Nothing is there and nobody waits. */
  beforeEach(async () => {
    for (let i = 0; i < CLIENTS; i++) await all.reopen(i);
    await all.send(0, ["FLUSHALL"]);
  });

  test("the first who waits is served first, whatever ways", async () => {
    await all.send(1, ["BLPOP", "k", "other", "0"]);
    await all.send(2, ["BRPOP", "k", "0"]);
    await all.send(3, ["BLMPOP", "0", "2", "other", "k", "LEFT", "COUNT", "2"]);
    await all.send(4, ["BLMOVE", "k", "there", "LEFT", "RIGHT", "0"]);
    await all.send(0, ["RPUSH", "k", "1", "2", "3", "4", "5", "6", "7"]);
    await all.send(0, ["LRANGE", "k", "0", "-1"], ["LRANGE", "there", "0", "-1"]);
    expect([1, 2, 3, 4].map((i) => all.waits(i))).toEqual([false, false, false, false]);
  });

  test("one element for many who wait, again and again", async () => {
    for (let i = 1; i < CLIENTS; i++) await all.send(i, ["BLPOP", "k", "0"]);
    for (let i = 1; i < CLIENTS; i++) {
      expect(all.waits(i)).toBe(true);
      await all.send(0, ["LPUSH", "k", i], ["EXISTS", "k"]);
      expect(all.waits(i)).toBe(false);
    }
  });

  test("chains of BLMOVE, in a ring and to itself", async () => {
    await all.send(1, ["BRPOPLPUSH", "a", "b", "0"]);
    await all.send(2, ["BRPOPLPUSH", "b", "c", "0"]);
    await all.send(3, ["BLMOVE", "c", "d", "LEFT", "LEFT", "0"]);
    await all.send(4, ["BLPOP", "d", "0"]);
    await all.send(0, ["RPUSH", "a", "x"], ["KEYS", "*"]);
    await all.send(1, ["BRPOPLPUSH", "a", "b", "0"]);
    await all.send(2, ["BRPOPLPUSH", "b", "a", "0"]);
    await all.send(0, ["RPUSH", "a", "y"], ["LRANGE", "a", "0", "-1"], ["LRANGE", "b", "0", "-1"], ["DEL", "a", "b"]);
    await all.send(3, ["BLMOVE", "s", "s", "LEFT", "RIGHT", "0"]);
    await all.send(0, ["RPUSH", "s", "1", "2", "3"], ["LRANGE", "s", "0", "-1"]);
  });

  test("keys of another type, and keys that are replaced", async () => {
    await all.send(0, ["SET", "text", "x"], ["SET", "dst", "x"]);
    await all.send(1, ["BLPOP", "k", "text", "0"], ["BLMOVE", "text", "k", "LEFT", "LEFT", "0"]);
    await all.send(1, ["BLPOP", "k", "0"]);
    await all.send(2, ["BLMOVE", "k", "dst", "LEFT", "LEFT", "0"]);
    await all.send(3, ["BLPOP", "k", "0"]);
    await all.send(0, ["SET", "k", "x"], ["DEL", "k"]);
    await all.send(0, ["MULTI"], ["LPUSH", "k", "1"], ["DEL", "k"], ["EXEC"]);
    await all.send(0, ["MULTI"], ["LPUSH", "k", "1"], ["DEL", "k"], ["SET", "k", "x"], ["EXEC"], ["DEL", "k"]);
    expect(all.waits(1)).toBe(true);
    await all.send(0, ["MULTI"], ["LPUSH", "k", "1"], ["LPUSH", "k", "2"], ["EXEC"]);
    await all.send(0, ["LPUSH", "k", "3"], ["LPUSH", "tmp", "4"], ["RENAME", "tmp", "k"]);
    await all.send(4, ["BLPOP", "copied", "0"]);
    await all.send(0, ["RPUSH", "tmp", "1", "2"], ["COPY", "tmp", "copied"]);
    await all.send(5, ["BLPOP", "moved", "0"]);
    await all.send(0, ["SELECT", "1"], ["LPUSH", "moved", "1"], ["MOVE", "moved", "0"], ["SELECT", "0"]);
    expect(all.waits(5)).toBe(false);
  });

  test("another database, and SWAPDB", async () => {
    await all.send(1, ["SELECT", "9"], ["BLPOP", "k", "0"]);
    await all.send(0, ["LPUSH", "k", "1"]);
    expect(all.waits(1)).toBe(true);
    await all.send(0, ["SWAPDB", "0", "9"]);
    expect(all.waits(1)).toBe(false);
  });

  test("times that are over", async () => {
    await all.send(1, ["BLPOP", "k", "0.05"]);
    await all.send(2, ["BLMOVE", "k", "l", "LEFT", "LEFT", "0.05"]);
    await all.send(3, ["BLMPOP", "0.05", "1", "k", "LEFT"], ["PING"]);
    await all.send(4, ["BLPOP", "k", "1e-1"]);
    expect(all.waits(4)).toBe(true);
    await pause(150);
    await all.agree("their times");
    expect([1, 2, 3, 4].map((i) => all.waits(i))).toEqual([false, false, false, false]);
    await all.send(0, ["LPUSH", "k", "1"], ["LLEN", "k"]);
  });

  test("what was sent behind goes on, and waits again", async () => {
    await all.send(1, ["BLPOP", "k", "0"], ["PING"], ["BLPOP", "k", "0"], ["LLEN", "k"]);
    await all.send(1, ["RPUSH", "l", "x"]);
    await all.send(0, ["RPUSH", "k", "1"]);
    await all.send(0, ["LLEN", "l"]);
    await all.send(0, ["RPUSH", "k", "1", "2"]);
    await all.send(0, ["LLEN", "l"]);
    expect(all.waits(1)).toBe(false);
    // One key twice, and elements for it one by one.
    await all.send(2, ["BLPOP", "a", "a", "a", "0"], ["BRPOP", "a", "b", "0"]);
    await all.send(0, ["RPUSH", "a", "1"], ["RPUSH", "b", "2"]);
  });

  test("one who waits and goes takes nothing", async () => {
    await all.send(1, ["BLPOP", "k", "0"]);
    await all.send(2, ["BLPOP", "k", "0"]);
    await all.reopen(1);
    await pause(20);
    await all.send(0, ["RPUSH", "k", "1", "2"], ["LRANGE", "k", "0", "-1"]);
    expect(all.waits(2)).toBe(false);
  });

  test("WATCH and EXEC", async () => {
    await all.send(1, ["BRPOPLPUSH", "src", "dst", "0"]);
    await all.send(2, ["WATCH", "dst"], ["MULTI"], ["PING"]);
    await all.send(0, ["RPUSH", "src", "1"]);
    await all.send(2, ["EXEC"]);
    await all.send(
      2,
      ["WATCH", "k", "gone"],
      ["SET", "k", "1"],
      ["MULTI"],
      ["PING"],
      ["EXEC"],
      ["MULTI"],
      ["PING"],
      ["EXEC"],
    );
    await all.send(2, ["WATCH", "k"], ["SELECT", "1"], ["SET", "k", "1"], ["MULTI"], ["SELECT", "0"], ["EXEC"]);
    await all.send(2, ["WATCH", "k"], ["MULTI"]);
    await all.send(0, ["FLUSHALL"]);
    await all.send(2, ["PING"], ["EXEC"]);
    await all.send(2, ["WATCH", "k"], ["MULTI"]);
    await all.send(0, ["FLUSHALL"]);
    await all.send(2, ["PING"], ["EXEC"]);
    await all.send(2, ["SET", "k", "1"], ["WATCH", "k"], ["MULTI"], ["PING"]);
    await all.send(0, ["SWAPDB", "0", "1"]);
    await all.send(2, ["EXEC"]);
    await all.send(2, ["SET", "k", "1", "PX", "30"], ["WATCH", "k"], ["MULTI"], ["PING"]);
    await pause(60);
    await all.send(2, ["EXEC"], ["SET", "k", "1"], ["WATCH", "k"]);
    await all.send(0, ["EXPIRE", "k", "0"]);
    await all.send(2, ["MULTI"], ["PING"], ["EXEC"]);
    await all.send(2, ["WATCH", "k"], ["SET", "k", "2"], ["UNWATCH"], ["MULTI"], ["PING"], ["EXEC"]);
    await all.send(2, ["WATCH", "k"], ["SET", "k", "2"], ["MULTI"], ["DISCARD"], ["MULTI"], ["PING"], ["EXEC"]);
    await all.send(
      2,
      ["WATCH"],
      ["MULTI"],
      ["WATCH", "k"],
      ["NOSUCH"],
      ["EXEC"],
      ["EXEC"],
      ["DISCARD"],
      ["UNWATCH", "k"],
    );
    await all.send(
      2,
      ["MULTI"],
      ["SET", "k", "x"],
      ["LPUSH", "k", "1"],
      ["BLPOP", "none", "0"],
      ["GET", "k"],
      ["EXEC"],
    );
  });

  test("keyspace notifications", async () => {
    await all.send(0, ["CONFIG", "SET", "notify-keyspace-events", "KEA"]);
    await all.send(5, ["PSUBSCRIBE", "__key*"]);
    await all.send(0, ["RPUSH", "k", "1", "2", "3"], ["LPUSHX", "k", "0"], ["LPOP", "k"], ["LPOP", "k", "9"]);
    await all.send(
      0,
      ["RPUSH", "k", "1", "2", "3", "2"],
      ["LINSERT", "k", "BEFORE", "2", "x"],
      ["LSET", "k", "0", "y"],
    );
    await all.send(
      0,
      ["LREM", "k", "0", "2"],
      ["LREM", "k", "0", "none"],
      ["LTRIM", "k", "0", "1"],
      ["LTRIM", "k", "5", "1"],
    );
    await all.send(
      0,
      ["RPUSH", "k", "1"],
      ["LREM", "k", "0", "1"],
      ["LPUSHX", "k", "1"],
      ["LINSERT", "k", "BEFORE", "a", "b"],
    );
    await all.send(0, ["RPUSH", "k", "1"], ["LMOVE", "k", "k", "LEFT", "LEFT"], ["RPOPLPUSH", "k", "l"]);
    await all.send(0, ["RPUSH", "l", "1"], ["LMPOP", "2", "k", "l", "RIGHT"], ["BLPOP", "l", "0"]);
    await all.send(1, ["BLPOP", "k", "0"]);
    await all.send(2, ["BLMOVE", "k", "l", "LEFT", "RIGHT", "0"]);
    await all.send(3, ["BLMPOP", "0", "1", "l", "LEFT", "COUNT", "5"]);
    await all.send(0, ["RPUSH", "k", "1", "2"]);
    await all.send(0, ["CONFIG", "SET", "notify-keyspace-events", ""]);
  });

  test("CLIENT REPLY, and who waits without being told", async () => {
    await all.send(1, ["CLIENT", "REPLY", "SKIP"], ["BLPOP", "k", "0"], ["PING"]);
    await all.send(2, ["BLPOP", "k", "0"]);
    await all.send(0, ["CLIENT", "REPLY", "OFF"], ["RPUSH", "k", "1", "2"], ["CLIENT", "REPLY", "ON"], ["EXISTS", "k"]);
  });

  test("at random", async () => {
    const random = new Random("clients that wait");
    const keys = ["a", "b", "c", "d"];
    const sides = ["LEFT", "RIGHT"];
    const key = () => random.pick(keys);
    const some = () => Array.from({ length: 1 + random.below(3) }, key);
    const waits = (): Request => {
      const several = some();
      return random.pick<Request>([
        ["BLPOP", ...several, "0"],
        ["BRPOP", ...several, "0"],
        ["BLMPOP", "0", several.length, ...several, random.pick(sides), "COUNT", 1 + random.below(3)],
        ["BLMOVE", key(), key(), random.pick(sides), random.pick(sides), "0"],
        ["BRPOPLPUSH", key(), key(), "0"],
      ]);
    };
    const does = (): Request =>
      random.pick<Request>([
        [
          random.pick(["LPUSH", "RPUSH"]),
          key(),
          ...Array.from({ length: 1 + random.below(3) }, () => random.below(100)),
        ],
        [random.pick(["LPUSH", "RPUSH"]), key(), random.below(100)],
        ["DEL", ...some()],
        ["RENAME", key(), key()],
        ["LMOVE", key(), key(), random.pick(sides), random.pick(sides)],
        ["SET", key(), "text"],
        ["WATCH", key()],
      ]);
    for (let step = 0; step < 400; step++) {
      const free = Array.from({ length: CLIENTS }, (_, i) => i).filter((i) => !all.waits(i));
      if (random.below(40) === 0) await all.reopen(random.below(CLIENTS));
      else if (free.length > 1 && random.below(2) === 0) await all.send(random.pick(free), waits());
      else if (free.length === 0) await all.reopen(random.below(CLIENTS));
      else if (random.below(4) !== 0) await all.send(random.pick(free), does());
      else await all.send(random.pick(free), ["MULTI"], does(), waits(), does(), does(), ["EXEC"]);
    }
    await all.reopen(0);
    await all.send(0, ...keys.map((one) => ["TYPE", one]), ...keys.map((one) => ["LRANGE", one, 0, -1]));
  });
});
