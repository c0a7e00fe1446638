/** Sorted sets beside redis-server: random commands, every reply the same to the byte. */
import { Random } from "./random.js";
import { sideBySide } from "./side-by-side.js";

const SCORES = [
  "0",
  "-0",
  "1",
  "-1",
  "1.5",
  "3.141592653589793",
  "0.1",
  "1e300",
  "-1e300",
  "inf",
  "-inf",
  "+inf",
  "nan",
  "abc",
  "",
  " 1",
  "0x10",
  "9007199254740993",
  "4611686018427387904",
  "1e17",
  "123456789.123456789",
  "1e-320",
  "5e-324",
];
const KEYS = ["small", "large", "lex", "dst", "none"];
/** For commands that sort by bytes: of a key whose members have all one score, or of one that nobody makes. By others redis-server replies what its dice say. */
const LEX = ["-", "+", "[", "(", "[m5", "(m5", "[m9", "(m20", "[m", "m", "", "[\xff", "-x"];
const INDICES = [
  "0",
  "1",
  "-1",
  "3",
  "-3",
  "10",
  "-200",
  "200",
  "9223372036854775807",
  "-9223372036854775808",
  "x",
  "1.5",
];
const COUNTS = ["0", "1", "2", "5", "-1", "1000", "x"];

const random = new Random("zset-oracle");
const score = () => (random.below(3) === 0 ? random.pick(SCORES) : String(random.below(40) - 20 + random.below(4) / 4));
const plainScore = () => String(random.below(60) - 30 + random.below(8) / 8);
const key = () => random.pick(KEYS);
const membersOf: Record<string, number> = { large: 400, small: 40, lex: 200, dst: 60, none: 40 };
function member(of: string): string {
  const kind = random.below(40);
  if (kind === 0) return random.integerText();
  if (kind === 1) return random.bytes(random.below(12));
  if (kind === 2 && of === "dst") return `long${"x".repeat(62 + random.below(4))}`;
  return kind < 8 ? String(random.below(20)) : `m${random.below(membersOf[of])}`;
}
const bound = () => (random.below(4) === 0 ? "(" : "") + score();
const some = <T>(make: () => T, most = 3): T[] => Array.from({ length: 1 + random.below(most) }, make);
const maybe = (...words: string[]) => (random.below(3) === 0 ? words : []);
const cased = (word: string) => (random.below(4) === 0 ? word.toLowerCase() : word);
const limit = () => maybe("LIMIT", random.pick(COUNTS), random.pick(COUNTS));

function add(): string[] {
  const of = key();
  if (of === "lex") return ["ZADD", of, ...some(() => ["0", member(of)], 12).flat()];
  const flags = random.below(2) === 0 ? [] : some(() => cased(random.pick(["NX", "XX", "CH", "INCR", "GT", "LT"])), 2);
  const pairs = some(
    () => [random.below(12) === 0 ? score() : plainScore(), member(of)],
    of === "large" ? 16 : 3,
  ).flat();
  return ["ZADD", of, ...flags, ...pairs, ...(random.below(40) === 0 ? ["1"] : [])];
}

function range(): string[] {
  const of = key();
  switch (random.below(8)) {
    case 0:
      return [
        "ZRANGE",
        of,
        random.pick(INDICES),
        random.pick(INDICES),
        ...maybe("WITHSCORES"),
        ...maybe("REV"),
        ...limit(),
      ];
    case 1:
      return ["ZRANGE", of, bound(), bound(), "BYSCORE", ...maybe("REV"), ...limit(), ...maybe(cased("WITHSCORES"))];
    case 2:
      return ["ZRANGE", "lex", random.pick(LEX), random.pick(LEX), "BYLEX", ...maybe("REV"), ...limit()];
    case 3:
      return ["ZREVRANGE", of, random.pick(INDICES), random.pick(INDICES), ...maybe("WITHSCORES"), ...limit()];
    case 4:
      return ["ZRANGEBYSCORE", of, bound(), bound(), ...limit(), ...maybe("WITHSCORES")];
    case 5:
      return ["ZREVRANGEBYSCORE", of, bound(), bound(), ...maybe("WITHSCORES"), ...limit()];
    case 6:
      return [
        random.pick(["ZRANGEBYLEX", "ZREVRANGEBYLEX"]),
        random.pick(["lex", "nokey"]),
        random.pick(LEX),
        random.pick(LEX),
        ...limit(),
        ...maybe("REV"),
      ];
    default:
      return ["ZRANGESTORE", "dst", of, bound(), bound(), ...maybe("BYSCORE"), ...maybe("REV"), ...limit()];
  }
}

function read(): string[] {
  const of = key();
  switch (random.below(6)) {
    case 0:
      return ["ZSCORE", of, member(of)];
    case 1:
      return ["ZMSCORE", of, ...some(() => member(of))];
    case 2:
      return [random.pick(["ZRANK", "ZREVRANK"]), of, member(of)];
    case 3:
      return ["ZCOUNT", of, bound(), bound()];
    case 4:
      return ["ZLEXCOUNT", random.pick(["lex", "nokey"]), random.pick(LEX), random.pick(LEX)];
    default:
      return ["ZCARD", of];
  }
}

function remove(): string[] {
  const of = key();
  switch (random.below(8)) {
    case 0:
      return ["ZREMRANGEBYRANK", of, random.pick(INDICES), random.pick(["2", "-3", "x", "1"])];
    case 1: {
      const from = random.below(60) - 30;
      return ["ZREMRANGEBYSCORE", of, `(${from}`, String(from + random.below(4))];
    }
    case 2:
      return ["ZREMRANGEBYLEX", random.pick(["lex", "nokey"]), random.pick(LEX), random.pick(LEX)];
    case 3:
      return random.below(12) === 0 ? ["DEL", of] : ["ZCARD", of];
    default:
      return ["ZREM", of, ...some(() => member(of), 4)];
  }
}

function combine(): string[] {
  const keys = some(() => random.pick([...KEYS, "set", "ints"]), 3);
  const count = random.below(15) === 0 ? random.pick(["0", "-1", "4", "x", "9"]) : String(keys.length);
  const weights = maybe("WEIGHTS", ...keys.map(() => (random.below(4) === 0 ? score() : String(random.below(5)))));
  const aggregate = maybe(cased("AGGREGATE"), random.pick(["SUM", "min", "MAX", "sum", "avg"]));
  const operation = random.pick(["UNION", "INTER", "DIFF"]);
  const options = operation === "DIFF" && random.below(8) !== 0 ? [] : [...weights, ...aggregate];
  if (random.below(5) === 0) return ["ZINTERCARD", count, ...keys, ...maybe("LIMIT", random.pick(COUNTS))];
  if (random.below(2) === 0) return [`Z${operation}STORE`, "dst", count, ...keys, ...options];
  return [`Z${operation}`, count, ...keys, ...options, ...maybe("WITHSCORES")];
}

function pop(): string[] {
  const of = key();
  const count = maybe(random.pick(["0", "1", "2", "3", "-1", "x"]));
  const end = cased(random.pick(["MIN", "MAX"]));
  const keys = some(key, 2);
  switch (random.below(5)) {
    case 0:
      return [
        "ZMPOP",
        random.below(9) === 0 ? "x" : String(keys.length),
        ...keys,
        end,
        ...maybe("COUNT", random.pick(["1", "3", "0"])),
      ];
    case 1:
      return ["BZMPOP", random.pick(["0.01", "0.002", "x", "-1"]), "1", of, end, ...maybe("COUNT", "2")];
    case 2:
      return [`BZPOP${end}`, ...keys, random.pick(["0.01", "0.001", "nan", "-2", "1e400"])];
    default:
      return [`ZPOP${end}`, of, ...count, ...(random.below(30) === 0 ? ["1"] : [])];
  }
}

/** What is told by chance, or in an order that is nobody's: how much of it is compared, or that it is the same in any order. */
function unordered(): string[] {
  const of = key();
  const count = random.pick(["1", "3", "-7", "-300", "1000", "0", "x", "-9223372036854775808", "9223372036854775807"]);
  if (random.below(3) === 0) return ["ZRANDMEMBER", of];
  if (random.below(2) === 0) return ["ZRANDMEMBER", of, count, ...maybe("WITHSCORES")];
  return ["ZSCAN", of, "0", "COUNT", "2000", ...maybe("MATCH", random.pick(["m1*", "*", "?", "[m]2?"]))];
}

function normal(reply: string, [name, , count]: readonly string[]): unknown {
  const isWhole = ["1000", "9223372036854775807", "0", "x", "-9223372036854775808"].includes(count);
  if (name === "ZRANDMEMBER" && !isWhole) return reply[0] === "*" ? reply.split("\r\n", 1) : reply[0];
  return name === "ZSCAN" ? reply.split("\r\n").sort() : reply;
}

const EXTREMES = [
  ["SET", "string", "x"],
  ["SADD", "set", "a", "m1", "m2", "m3", "m4", "5", "x"],
  ["SADD", "ints", "1", "2", "3", "4", "5", "6", "7"],
  ["ZUNION", "1", "string"],
  ["ZINTERSTORE", "dst", "2", "small", "string"],
  ["ZMPOP", "1", "string", "MIN"],
  ["ZRANDMEMBER", "string"],
  ["ZRANDMEMBER", "small", "1", "x"],
  ["ZRANDMEMBER", "small", "4611686018427387904", "WITHSCORES"],
  ["ZSCAN", "string", "0"],
  ["ZSCAN", "none", "x"],
  ["ZSCAN", "nokey", "0", "COUNT", "x"],
  ["BZPOPMIN", "string", "0"],
  ["BZMPOP", "0", "1", "string", "MIN"],
  ["ZUNIONSTORE", "dst", "1", "small", "WEIGHTS", "1", "2"],
  ["ZDIFFSTORE", "dst", "1", "small", "WEIGHTS", "1"],
  ["ZUNION", "1", "small", "WEIGHTS"],
  ["ZINTER", "2", "small", "large", "AGGREGATE"],
  ["ZINTERCARD", "1", "small", "LIMIT"],
  ["ZADD"],
  ["ZADD", "small"],
  ["ZADD", "small", "1"],
  ["ZADD", "small", "NX", "XX", "1", "a"],
  ["ZINCRBY", "none", "x", "a"],
  ["SET", "string", "x"],
  ["ZADD", "string", "1", "a"],
  ["ZRANGE", "string", "0", "-1"],
  ["ZCARD", "string"],
  ["ZADD", "endless", "inf", "a"],
  ["ZINCRBY", "endless", "-inf", "a"],
  ["ZADD", "endless", "INCR", "-inf", "a"],
  ["ZRANGESTORE", "dst", "string", "0", "-1"],
  ["ZREM", "string", "a"],
  ["ZREMRANGEBYRANK", "string", "0", "0"],
  ["ZRANGE", "lex", "\0", "1", "BYSCORE"],
  ["ZRANGE", "lex", "0\0x", " \t1", "BYSCORE"],
  ["ZRANGE", "lex", "(", "(1", "BYSCORE"],
];

const command = (): string[] => {
  const kind = random.below(20);
  if (kind < 7) return add();
  if (random.below(12) === 0) return combine();
  if (random.below(14) === 0) return pop();
  if (random.below(14) === 0) return unordered();
  if (kind === 7) return ["ZINCRBY", random.pick(["small", "large", "dst", "none"]), score(), member("small")];
  if (kind < 12) return range();
  return kind < 16 ? read() : remove();
};

/** The whole keyspace, by DUMP too: encodings and the bytes of listpacks. */
const ALL = KEYS.flatMap((of) => [
  ["ZRANGE", of, "0", "-1", "WITHSCORES"],
  ["ZRANGE", of, "0", "-1", "REV"],
  ["OBJECT", "ENCODING", of],
  ["DUMP", of],
]);

sideBySide("sorted sets as redis-server has them", [], (both) => {
  test.each([2, 3])("random commands, RESP%i", async (resp) => {
    await both.compareBytes([["HELLO", String(resp)]], (reply) => reply[0]);
    await both.compareBytes(EXTREMES);
    for (let round = 0; round < 12; round++) {
      await both.compareBytes([...Array.from({ length: 250 }, command), ...ALL], normal);
    }
  });
});
