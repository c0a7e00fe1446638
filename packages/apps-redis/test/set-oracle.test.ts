import { counted, type Normal, sorted } from "./normal.js";
import { Random } from "./random.js";
import { type Compared, sideBySide } from "./side-by-side.js";

const KEYS = ["ints", "few", "many", "more", "mixed", "string", "none"];
const COUNTS = ["0", "1", "3", "-3", "1000", "-7", "x", "9223372036854775807", "-9223372036854775808", "", "+1", "01"];
const ERRORS = ["numkeys", "0", "-1", "9", "9223372036854775807"];

/** Members: of few keys only integers, of others few or many. */
function member(random: Random, key: string): string {
  if (key === "ints") return random.below(30) === 0 ? random.integerText() : String(random.below(60) - 30);
  if (key === "few") return `m${random.below(12)}`;
  if (key === "mixed") return random.below(2) === 0 ? String(random.below(40)) : `m${random.below(40)}`;
  return random.below(40) === 0 ? random.bytes(random.below(100)) : String(random.below(900));
}

const none: Normal = (reply) => typeof reply;

function command(random: Random): Compared[] {
  const key = random.pick(KEYS);
  const name = () => member(random, key);
  const names = (most: number) => Array.from({ length: 1 + random.below(most) }, name);
  const others = () =>
    Array.from({ length: 1 + random.below(4) }, () =>
      random.pick(KEYS.filter((k) => k !== "string" || random.below(4) === 0)),
    );
  const target = random.pick(["t1", "t2", key === "string" ? "t3" : key]);
  const card = { command: ["SCARD", key] };
  switch (random.below(21)) {
    case 0:
    case 1:
    case 2:
      return [{ command: ["SADD", key, ...names(key === "many" || key === "more" ? 30 : 4)] }];
    case 3:
    case 4:
      return [{ command: ["SREM", key, ...names(5)] }];
    case 5:
      return [{ command: ["SISMEMBER", key, name()] }];
    case 6:
      return [{ command: ["SMISMEMBER", key, ...names(4)] }];
    case 7:
      return [card];
    case 8:
      return [{ command: ["SMEMBERS", key], normal: sorted }];
    case 9:
      return [{ command: ["SMOVE", key, random.pick(KEYS), name()] }];
    case 10: {
      // What is left is random: it goes on both sides.
      const count = random.pick(COUNTS);
      return [{ command: ["SPOP", key, count], normal: counted }, card, { command: ["DEL", key], normal: none }].slice(
        0,
        key === "string" ? 2 : 3,
      );
    }
    case 11:
      return key === "string" ? [card] : [{ command: ["SPOP", key], normal: none }, card, { command: ["DEL", key] }];
    case 12: {
      const count = random.pick(COUNTS);
      const rest = random.below(9) === 0 ? ["x"] : [];
      return [{ command: ["SRANDMEMBER", key, count, ...rest], normal: counted }];
    }
    case 13:
      return [{ command: ["SRANDMEMBER", key], normal: none }];
    case 14:
      return [{ command: [random.pick(["SINTER", "SUNION", "SDIFF"]), ...others()], normal: sorted }];
    case 15:
      return [{ command: [random.pick(["SINTER", "SUNION", "SDIFF"]), key, ...others(), key], normal: sorted }];
    case 16:
    case 17: {
      const store = [random.pick(["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE"]), target, ...others()];
      return [{ command: store }, { command: ["SMEMBERS", target], normal: sorted }];
    }
    case 18: {
      const all = others();
      const keys = random.below(6) === 0 ? random.pick(ERRORS) : String(all.length);
      const limit = random.pick([
        [],
        [],
        ["LIMIT", random.pick(["0", "1", "5", "-1", "x"])],
        ["LIMIT"],
        ["limit", "2", "LIMIT", "3"],
        ["x", "1"],
      ]);
      return [{ command: ["SINTERCARD", keys, ...all, ...limit] }];
    }
    case 19: {
      const cursor = random.pick(["0", "x", "", "18446744073709551615"]);
      const options = random.pick([
        ["COUNT", random.pick(COUNTS), "COUNT", "5000"],
        ["MATCH", random.pick(["*", "m*", "1?", "", "[^1]*"])],
        ["TYPE", "x"],
      ]);
      const all: Normal = (reply) => (cursor.length > 9 ? null : sorted((reply as string[][])[1]));
      return [{ command: ["SSCAN", key, cursor, "COUNT", "5000", ...options], normal: all }];
    }
    default:
      return [
        { command: [random.pick(["SADD", "SREM", "SMOVE", "SCARD", "SPOP", "SINTERCARD", "SDIFFSTORE"]), ...names(1)] },
      ];
  }
}

sideBySide("sets beside redis-server", [], (both) => {
  test("random commands", async () => {
    const random = new Random("set");
    const commands = Array.from({ length: 3500 }, () => command(random)).flat();
    await both.compare([{ command: ["SET", "string", "s"] }, ...commands]);
    for (const key of [...KEYS, "t1", "t2"]) {
      const [encoding] = await both.compare([{ command: ["OBJECT", "ENCODING", key] }]);
      // Those of an intset have an order.
      if (key !== "string") {
        await both.compare([{ command: ["SMEMBERS", key], normal: encoding === "intset" ? undefined : sorted }]);
        if (encoding === "intset") await both.compare([{ command: ["DUMP", key] }]);
      }
    }
  });

  test("integers stay in their order until there are too many, or something else", async () => {
    const values = Array.from({ length: 512 }, (_, i) => String(((i * 7919) % 100_003) - 50_000));
    await both.compare([
      { command: ["SADD", "o", ...values, "9223372036854775807", "-9223372036854775808"].slice(0, 514) },
      { command: ["SMEMBERS", "o"] },
      { command: ["SADD", "p", "9223372036854775807", "1", "-9223372036854775808", "70000", "-3"] },
      { command: ["SMEMBERS", "p"] },
      { command: ["SADD", "p", "9223372036854775808"] },
      { command: ["SMEMBERS", "p"], normal: sorted },
      { command: ["SREM", "p", "9223372036854775808"] },
      { command: ["SDIFFSTORE", "q", "p"] },
      { command: ["SMEMBERS", "q"] },
      { command: ["OBJECT", "ENCODING", "q"] },
      // Two ways to a difference: members of the first are looked up, or those of the others removed from a copy of it.
      { command: ["SADD", "r", "x", "1", "2", "3"] },
      { command: ["SDIFFSTORE", "q", "r", "x1", "x2", "x3", "r2"] },
      { command: ["SADD", "x1", "x"] },
      { command: ["SADD", "x2", "1"] },
      { command: ["SADD", "x3", "5"] },
      { command: ["SDIFFSTORE", "q", "r", "x1", "x2"] },
      { command: ["OBJECT", "ENCODING", "q"] },
      { command: ["SDIFFSTORE", "q", "r", "x1", "x2", "x3", "x1", "x2", "x3"] },
      { command: ["OBJECT", "ENCODING", "q"] },
      { command: ["SMEMBERS", "q"], normal: sorted },
      { command: ["SADD", "o", "123456789"] },
      { command: ["SMEMBERS", "o"], normal: sorted },
    ]);
  });

  test("what SPOP leaves of most is an intset again where it is integers", async () => {
    const integers = Array.from({ length: 40 }, (_, i) => i);
    await both.compare([
      { command: ["SADD", "w", "x", ...integers] },
      { command: ["SREM", "w", "x"] },
      { command: ["OBJECT", "ENCODING", "w"] },
      { command: ["SPOP", "w", 10], normal: counted },
      { command: ["OBJECT", "ENCODING", "w"] },
      { command: ["EXPIRE", "w", 1000] },
      { command: ["SPOP", "w", 28], normal: counted },
      { command: ["OBJECT", "ENCODING", "w"] },
      { command: ["SCARD", "w"] },
      { command: ["PERSIST", "w"] },
      { command: ["SPOP", "w", 2], normal: counted },
      { command: ["EXISTS", "w"] },
    ]);
  });

  test("SRANDMEMBER and SPOP draw fairly, and what there is", async () => {
    // An intset, a small set of texts, and one that was too large for that.
    for (const [prefix, gone] of [
      ["", "none"],
      ["m", "none"],
      ["t", "long".repeat(30)],
    ]) {
      const members = Array.from({ length: 20 }, (_, i) => `${prefix}${i}`);
      for (const [name, count] of [
        ["SRANDMEMBER", -2000],
        ["SRANDMEMBER", 3],
        ["SRANDMEMBER", 15],
        ["SPOP", 3],
        ["SPOP", 18],
      ] as const) {
        const times = count < 0 ? 1 : Math.floor(2000 / count);
        const drawn = new Map(members.map((one) => [one, 0]));
        const wrong: string[][] = [];
        const requests = Array.from({ length: times }, () => [
          ["SADD", "d", ...members, ...(gone === "none" ? [] : [gone])],
          ["SREM", "d", gone],
          [name, "d", count],
          ["SMEMBERS", "d"],
        ]);
        await both.ours([["DEL", "d"]]);
        const replies = await both.ours(requests.flat());
        for (let i = 0; i < replies.length; i += 4) {
          const reply = replies[i + 2] as string[];
          const left = replies[i + 3] as string[];
          if (reply.length !== Math.abs(count)) wrong.push(reply);
          if (count > 0 && new Set(reply).size !== reply.length) wrong.push(reply);
          if (name === "SPOP" && new Set([...reply, ...left]).size !== members.length) wrong.push(left);
          for (const one of reply) drawn.set(one, (drawn.get(one) as number) + 1);
        }
        expect(wrong).toEqual([]);
        expect(drawn.size).toBe(members.length);
        const expected = (times * Math.abs(count)) / members.length;
        const chi = [...drawn.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
        // Of 19 degrees of freedom: once in ten million.
        expect(chi).toBeLessThan(71);
      }
    }
  });

  test("a set that loses most of its members is told whole by SSCAN meanwhile", async () => {
    const stays = Array.from({ length: 600 }, (_, i) => `stays${i}`);
    const goes = Array.from({ length: 20_000 }, (_, i) => `goes${i}`);
    await both.ours([["SADD", "s", ...stays, ...goes]]);
    const seen = new Set<string>();
    let cursor = "0";
    let removed = 0;
    do {
      const [[next, found]] = (await both.ours([["SSCAN", "s", cursor, "COUNT", "50"]])) as [[string, string[]]];
      for (const one of found) seen.add(one);
      cursor = next;
      if (removed < goes.length) await both.ours([["SREM", "s", ...goes.slice(removed, removed + 400)]]);
      removed += 400;
    } while (cursor !== "0");
    expect(removed).toBeGreaterThan(15_000);
    expect(stays.filter((one) => !seen.has(one))).toEqual([]);
  });
});
