import { counted, sortedPairs } from "./normal.js";
import { Random } from "./random.js";
import { type Compared, sideBySide } from "./side-by-side.js";

const KEYS = ["small", "large", "string", "empty"];
const COUNTS = ["0", "1", "3", "-3", "1000", "-7", "x", "9223372036854775807", "-9223372036854775808", "", "+1", "01"];
const NUMBERS = [
  "0",
  "1",
  "-1",
  "0.5",
  "-1e3",
  "3.0e-2",
  "nan",
  "inf",
  "-inf",
  " 1",
  "1 ",
  "",
  "0x10",
  "1e4000",
  "1e5000",
];
const PATTERNS = ["*", "f*", "*1", "?[0-9]", "[^f]*", "", "\\f1"];

/** A field: of few or of many. */
const field = (random: Random, key: string) =>
  random.below(20) === 0 ? random.integerText() : `f${random.below(key === "large" ? 900 : 30)}`;

function value(random: Random): string {
  const kind = random.below(20);
  if (kind < 8) return random.integerText();
  if (kind < 10) return random.pick(NUMBERS);
  return random.bytes(kind < 18 ? random.below(30) : random.pick([63, 64]));
}

function command(random: Random): Compared {
  const key = random.pick(KEYS);
  const name = () => field(random, key);
  const fields = () => Array.from({ length: 1 + random.below(4) }, name);
  const values = () =>
    Array.from({ length: 1 + random.below(key === "large" ? 12 : 3) }, () => [name(), value(random)]);
  switch (random.below(20)) {
    case 0:
    case 1:
      return { command: ["HSET", key, ...values().flat(), ...(random.below(15) === 0 ? ["odd"] : [])] };
    case 2:
      return { command: ["hmSET", key, ...values().flat(), ...(random.below(15) === 0 ? ["odd"] : [])] };
    case 3:
      return { command: ["HSETNX", key, name(), value(random)] };
    case 4:
      return { command: ["HGET", key, name()] };
    case 5:
      return { command: ["HMGET", key, ...fields()] };
    case 6:
      return { command: ["HGETALL", key], normal: sortedPairs };
    case 7:
      return { command: [random.pick(["HKEYS", "HVALS"]), key], normal: (all) => [...(all as string[])].sort() };
    case 8:
      return { command: ["HLEN", key] };
    case 9:
      return { command: ["HSTRLEN", key, name()] };
    case 10:
      return { command: ["HEXISTS", key, name()] };
    case 11:
    case 12:
      return { command: ["HDEL", key, ...fields()] };
    case 13:
      return { command: ["HINCRBY", key, name(), random.integerText()] };
    case 14:
      return {
        command: [
          "HINCRBYFLOAT",
          key,
          name(),
          random.below(3) === 0 ? random.pick(NUMBERS) : String(random.below(9999) / 100),
        ],
      };
    case 15: {
      const count = random.pick(COUNTS.filter((one) => key !== "string" || !one.includes("92")));
      const rest = random.pick([[], ["WITHVALUES"], ["withvalues"], ["withvalue"], ["WITHVALUES", "x"]]);
      return { command: ["HRANDFIELD", key, count, ...rest], normal: counted };
    }
    case 16:
      return { command: ["HRANDFIELD", key], normal: counted };
    case 17: {
      const cursor = random.pick(["0", "x", "-1", "", " 0", "18446744073709551616", "+0", "00", "0\0x"]);
      const options = random.pick([
        ["COUNT", random.pick(COUNTS)],
        ["MATCH", random.pick(PATTERNS)],
        ["TYPE", "x"],
        ["COUNT"],
      ]);
      return {
        command: [
          "HSCAN",
          key,
          cursor,
          "COUNT",
          "5000",
          ...options,
          ...(options[0] === "COUNT" ? ["COUNT", "5000"] : []),
        ],
        normal: (reply) => (cursor === "-1" ? null : sortedPairs((reply as string[][])[1])),
      };
    }
    case 18:
      return { command: random.below(8) === 0 ? ["DEL", key] : ["HGET", key] };
    default:
      return {
        command: [random.pick(["HSET", "HGETALL", "HDEL", "HLEN", "HINCRBY", "HSCAN", "HRANDFIELD"]), ...fields()],
      };
  }
}

sideBySide("hashes beside redis-server", [], (both) => {
  test("random commands", async () => {
    const random = new Random("hash");
    const setString: Compared = { command: ["SET", "string", "s"] };
    const commands = Array.from({ length: 4000 }, () => command(random));
    await both.compare([setString, ...commands]);
    // In a listpack, fields have an order.
    for (const key of KEYS.slice(0, 2)) {
      const [encoding] = await both.compare([{ command: ["OBJECT", "ENCODING", key] }]);
      await both.compare([{ command: ["HGETALL", key], normal: encoding === "listpack" ? undefined : sortedPairs }]);
      if (encoding === "listpack") await both.compare([{ command: ["DUMP", key] }]);
    }
  });

  test("fields stay in their order until a value or the number of fields is too large", async () => {
    const fields = Array.from({ length: 512 }, (_, i) => [`f${i}`, String(i * 77)]).flat();
    await both.compare([
      { command: ["HSET", "o", ...fields] },
      { command: ["HSET", "o", "f7", "y".repeat(64)] },
      { command: ["HGETALL", "o"] },
      { command: ["HSET", "o", "f7", "y".repeat(65)] },
      { command: ["HGETALL", "o"], normal: sortedPairs },
      { command: ["HINCRBYFLOAT", "o", "f8", "1e300"] },
      { command: ["HGET", "o", "f8"] },
    ]);
  });

  test("HRANDFIELD draws fairly, and what there is", async () => {
    for (const large of ["x", "x".repeat(65)]) {
      const fields = Array.from({ length: 20 }, (_, i) => `f${i}`);
      await both.ours([
        ["DEL", "d"],
        ["HSET", "d", ...fields.flatMap((one) => [one, large + one])],
      ]);
      for (const count of [-2000, 3, 15]) {
        const times = count < 0 ? 1 : Math.floor(2000 / count);
        const requests = Array.from({ length: times }, () => ["HRANDFIELD", "d", count, "WITHVALUES"]);
        const drawn = new Map(fields.map((one) => [one, 0]));
        const wrong: string[][] = [];
        for (const reply of (await both.ours(requests)) as string[][]) {
          if (reply.length !== 2 * Math.abs(count)) wrong.push(reply);
          if (count > 0 && new Set(reply).size !== reply.length) wrong.push(reply);
          for (let i = 0; i < reply.length; i += 2) {
            if (reply[i + 1] !== large + reply[i]) wrong.push(reply);
            drawn.set(reply[i], (drawn.get(reply[i]) as number) + 1);
          }
        }
        expect(wrong).toEqual([]);
        const expected = (times * Math.abs(count)) / fields.length;
        const chi = [...drawn.values()].reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
        // Of 19 degrees of freedom: once in ten million.
        expect(chi).toBeLessThan(71);
      }
    }
  });

  test("HSCAN tells what is there from first to last while a hash grows and shrinks", async () => {
    const stays = Array.from({ length: 700 }, (_, i) => `stays${i}`);
    const goes = Array.from({ length: 9000 }, (_, i) => `goes${i}`);
    await both.ours([["HSET", "s", ...[...stays, ...goes.slice(0, 3000)].flatMap((one) => [one, "v"])]]);
    const seen = new Set<string>();
    let cursor = "0";
    let round = 0;
    do {
      const [[next, found]] = (await both.ours([["HSCAN", "s", cursor]])) as [[string, string[]]];
      for (let i = 0; i < found.length; i += 2) seen.add(found[i]);
      cursor = next;
      const some = goes.slice((round % 30) * 300, (round % 30) * 300 + 300);
      if (round < 30) await both.ours([["HSET", "s", ...some.flatMap((one) => [one, "v"])]]);
      else if (round < 60) await both.ours([["HDEL", "s", ...some]]);
      round++;
    } while (cursor !== "0");
    expect(round).toBeGreaterThan(60);
    expect(stays.filter((one) => !seen.has(one))).toEqual([]);
  });

  test("a reply of random fields without end is not begun", async () => {
    await both.ours([["HSET", "e", "f", "v"]]);
    await expect(both.ours([["HRANDFIELD", "e", "-9000000000000000000"]])).rejects.toThrow("gone");
  });
});
