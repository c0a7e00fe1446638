import { Random } from "./random.js";
import type { Request } from "./resp-client.js";
import { sideBySide } from "./side-by-side.js";

const KEYS = ["a", "b", "c", "d", "text", "none"];
const EDGES = [
  "9223372036854775807",
  "-9223372036854775808",
  "9223372036854775808",
  "-9223372036854775807",
  "4611686018427387904",
  "1.5",
  "",
  "x",
  "-0",
  "01",
  "+1",
];

function element(random: Random): string {
  const kind = random.below(20);
  if (kind < 9) return String(random.below(12));
  if (kind < 13) return random.integerText();
  if (kind < 19) return random.bytes(random.below(80));
  return random.bytes(random.pick([4095, 4096, 8180, 9000, 20_000]));
}

function index(random: Random): string {
  return random.below(25) === 0 ? random.pick(EDGES) : String(random.below(40) - 20);
}

const side = (random: Random) => random.pick(["LEFT", "right", "Left", "RIGHT", "LEFT", "RIGHT", "LEFT", "middle"]);

function command(random: Random): Request {
  const key = random.pick(KEYS);
  const other = random.pick(KEYS);
  const elements = (most: number) => Array.from({ length: random.below(most) + 1 }, () => element(random));
  switch (random.below(26)) {
    case 0:
      return ["LPUSH", key, ...elements(8)];
    case 1:
    case 2:
      return ["RPUSH", key, ...elements(12)];
    case 3:
      return [random.pick(["LPUSHX", "RPUSHX"]), key, ...elements(4)];
    case 4:
      return [random.pick(["LPOP", "RPOP"]), key];
    case 5:
      return [random.pick(["LPOP", "RPOP"]), key, random.below(10) === 0 ? index(random) : random.below(6)];
    case 6:
      return ["LINDEX", key, index(random)];
    case 7:
      return ["LINSERT", key, random.pick(["BEFORE", "after", "AFTER", "beside"]), element(random), element(random)];
    case 8:
      return ["LSET", key, index(random), element(random)];
    case 9:
      return ["LRANGE", key, index(random), index(random)];
    case 10:
      return ["LTRIM", key, random.below(4), random.below(3) === 0 ? index(random) : -1 - random.below(3)];
    case 11:
      return ["LREM", key, random.below(20) === 0 ? index(random) : random.below(7) - 3, element(random)];
    case 12:
    case 13: {
      const options: (string | number)[] = [];
      if (random.below(2) === 0) options.push("RANK", random.below(9) === 0 ? index(random) : random.below(7) - 3);
      if (random.below(2) === 0) options.push("count", random.below(9) === 0 ? index(random) : random.below(4));
      if (random.below(3) === 0) options.push("MAXLEN", random.below(9) === 0 ? index(random) : random.below(20));
      if (random.below(20) === 0) options.push(random.pick(["RANK", "other", "COUNT"]));
      return ["LPOS", key, element(random), ...options];
    }
    case 14:
    case 15:
      return ["LMOVE", key, other, side(random), side(random)];
    case 16:
      return ["RPOPLPUSH", key, other];
    case 17:
    case 18: {
      const keys = Array.from({ length: random.below(4) }, () => random.pick(KEYS));
      const count = random.below(10) === 0 ? index(random) : keys.length;
      const options = random.pick<(string | number)[]>([[], [], ["COUNT", random.below(5)], ["COUNT"], ["x", 1]]);
      const rest = [count, ...keys, side(random), ...options];
      return random.below(2) === 0 ? ["LMPOP", ...rest] : ["BLMPOP", random.pick(["0.001", "-1", "nan"]), ...rest];
    }
    case 19:
      // What does not wait, or for a millisecond.
      return [
        random.pick(["BLPOP", "BRPOP"]),
        key,
        other,
        random.pick(["0.001", "1e-3", "0x.004p0", "-1", "-0.1e1", "inf", "1e300", "9223372036854776", "x", ""]),
      ];
    case 20:
      return ["BLMOVE", key, other, side(random), side(random), random.pick(["0.001", "-1", "x"])];
    case 21:
      return ["BRPOPLPUSH", key, other, random.pick(["0.001", "-2", ".."])];
    case 22:
      return ["LLEN", key];
    case 23:
      return random.below(4) === 0 ? ["DEL", key] : ["LLEN", key];
    case 24:
      return random.pick<Request>([
        ["LPUSH", key],
        ["LPOP", key, "1", "2"],
        ["LRANGE", key, "1"],
        ["LMPOP", "1", key],
        ["BLPOP", key],
        ["LPOS", key],
        ["LMOVE", key, other, "LEFT"],
      ]);
    default:
      return ["SET", "text", "x"];
  }
}

sideBySide("lists, with redis-server", [], (both) => {
  test("random commands", async () => {
    const random = new Random("list commands");
    for (let round = 0; round < 5; round++) {
      const commands: Request[] = Array.from({ length: 500 }, () => command(random));
      for (const key of KEYS) if (key !== "text") commands.push(["LRANGE", key, 0, -1], ["OBJECT", "ENCODING", key]);
      await both.compare(commands.map((one) => ({ command: one })));
    }
  });

  test("within MULTI nobody waits", async () => {
    const random = new Random("list commands in transactions");
    const commands: Request[] = [];
    for (let round = 0; round < 60; round++) {
      commands.push(["MULTI"]);
      for (let i = random.below(10); i > 0; i--) commands.push(command(random));
      if (random.below(3) === 0) commands.push(["BLPOP", "none", "0"], ["BLMOVE", "none", "a", "LEFT", "LEFT", "0"]);
      commands.push(
        random.pick<Request>([["EXEC"], ["EXEC"], ["EXEC"], ["EXEC", "x"], ["DISCARD"], ["MULTI"], ["WATCH", "a"]]),
      );
      if (random.below(8) === 0) commands.push(["NOSUCH"]);
      commands.push(["EXEC"]);
    }
    await both.compare(commands.map((one) => ({ command: one })));
  });

  test("one of many elements", async () => {
    const numbers = Array.from({ length: 5000 }, (_, i) => i * 37);
    const random = new Random("a long list");
    const commands: Request[] = [
      ["DEL", "a"],
      ["RPUSH", "a", ...numbers],
    ];
    for (let i = 0; i < 300; i++) commands.push(["LINDEX", "a", random.below(11_000) - 5500]);
    for (let i = 0; i < 50; i++) commands.push(["LRANGE", "a", random.below(5000), random.below(5000)]);
    for (let i = 0; i < 50; i++) commands.push(["LINSERT", "a", "BEFORE", random.below(5000) * 37, "x".repeat(50)]);
    for (let i = 0; i < 300; i++) commands.push(["LSET", "a", random.below(5000), element(random)]);
    commands.push(
      ["LREM", "a", 0, "x".repeat(50)],
      ["LTRIM", "a", 2000, 3000],
      ["LRANGE", "a", 0, -1],
      ["LPOP", "a", 100_000],
    );
    await both.compare(commands.map((one) => ({ command: one })));
  });
});
