/** Sorted sets beside redis-server: random commands, every reply the same to the byte. */
import { BothServers, expectSame, type RawClient } from "./both-servers.js";
import { Random } from "./random.js";

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
        random.pick(["lex", "none"]),
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
      return ["ZLEXCOUNT", random.pick(["lex", "none"]), random.pick(LEX), random.pick(LEX)];
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
      return ["ZREMRANGEBYLEX", random.pick(["lex", "none"]), random.pick(LEX), random.pick(LEX)];
    case 3:
      return random.below(12) === 0 ? ["DEL", of] : ["ZCARD", of];
    default:
      return ["ZREM", of, ...some(() => member(of), 4)];
  }
}

const EXTREMES = [
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
  if (kind === 7) return ["ZINCRBY", random.pick(["small", "large", "dst", "none"]), score(), member("small")];
  if (kind < 12) return range();
  return kind < 16 ? read() : remove();
};

const ALL = KEYS.flatMap((of) => [
  ["ZRANGE", of, "0", "-1", "WITHSCORES"],
  ["ZRANGE", of, "0", "-1", "REV"],
]);

describe("sorted sets as redis-server has them", () => {
  let servers: BothServers;
  let clients: [RawClient, RawClient];
  beforeAll(async () => {
    servers = await BothServers.start();
    clients = await servers.clients();
  });
  afterAll(async () => {
    for (const client of clients) client.close();
    await servers.stop();
  });

  test.each([2, 3])("random commands, RESP%i", async (resp) => {
    await expectSame(clients, [["HELLO", String(resp)]], (reply) => reply[0]);
    await expectSame(clients, EXTREMES);
    for (let round = 0; round < 12; round++) {
      await expectSame(clients, [...Array.from({ length: 250 }, command), ...ALL]);
    }
  });
});
