/** SORT beside redis-server: values of all types it takes, BY, GET, LIMIT, STORE. */
import { sorted } from "./normal.js";
import { Random } from "./random.js";
import type { Request } from "./resp-client.js";
import { type Compared, sideBySide } from "./side-by-side.js";

const COMMANDS = 1500;
const NUMBERS = ["1", "10", "2", "-3", "2.5", "1e3", "0x10", "inf", "", " 7"];
const TEXTS = ["a", "b", "B", "aa", "c\0d", "~", "é"];

function data(random: Random): Request[] {
  const commands: Request[] = [["SET", "string", "x"]];
  for (const [kind, words] of [
    ["n", NUMBERS],
    ["t", TEXTS],
  ] as const) {
    const some = (n: number) => Array.from({ length: n }, () => random.pick(words));
    const pairs = [...new Set(some(12))].flatMap((word, i) => [i % 4, word]);
    commands.push(["DEL", `list:${kind}`, `set:${kind}`, `zset:${kind}`], ["RPUSH", `list:${kind}`, ...some(12)]);
    commands.push(["SADD", `set:${kind}`, ...some(8)], ["ZADD", `zset:${kind}`, ...pairs]);
    for (const word of words) {
      if (random.below(3) !== 0) commands.push(["SET", `w_${word}`, random.below(1000)]);
      if (random.below(3) !== 0) commands.push(["HSET", `h_${word}_e`, "f", random.below(1000), "g->h", word]);
    }
  }
  const many = Array.from({ length: 300 }, () => random.below(100_000));
  commands.push(["RPUSH", "list:many", ...many], ["SADD", "set:many", ...many], ["SADD", "set:few", 5, 3, 4]);
  commands.push(["ZADD", "zset:many", ...many.flatMap((one) => [one % 50, one])]);
  return commands;
}

function command(random: Random): Compared {
  const options: (string | number)[] = [];
  const pattern = () =>
    random.pick(["w_*", "h_*_e->f", "h_*_e->g->h", "h_*_e->", "*", "#", "#x", "nothing_*", "w_*->f", "fixed"]);
  const key = random.pick([
    "list:n",
    "set:n",
    "zset:n",
    "list:t",
    "set:t",
    "zset:t",
    "list:many",
    "set:few",
    "zset:many",
    "string",
    "none",
  ]);
  let hasStore = false;
  for (let n = random.below(4); n > 0; n--) {
    const kind = random.below(9);
    if (kind < 2) options.push(random.pick(["ASC", "desc", "DESC"]));
    else if (kind < 4) options.push("ALPHA");
    else if (kind === 4)
      options.push("LIMIT", random.pick([0, 1, 5, -2, 1000, "x"]), random.pick([0, 3, 10, -1, "9223372036854775807"]));
    else if (kind === 5) options.push("GET", pattern());
    else if (kind === 6) options.push(random.pick([["BY"], ["LIMIT", 1], ["what"]])[0]);
    else if (kind === 7) {
      options.push("BY", pattern());
    } else {
      hasStore = true;
      options.push("STORE", random.pick(["target", "list:t2"]));
    }
  }
  const hasBy = options.includes("BY");
  // Texts of equal weight are told in an order that only the algorithm gives where LIMIT cuts among them.
  const isOpen = hasBy && options.includes("LIMIT") && options.includes("ALPHA");
  const name = hasStore || random.below(2) === 0 ? "SORT" : "SORT_RO";
  // A hash table is in no order.
  const isUnordered = /^z?set:/.test(key) && hasBy;
  if (isOpen || (isUnordered && (options.includes("LIMIT") || hasStore)))
    return { command: ["SORT", key, ...options.slice(0, 1)] };
  return { command: [name, key, ...options], normal: isUnordered ? sorted : undefined };
}

sideBySide("SORT", [], (both) => {
  test("answers as redis-server's does", async () => {
    const random = new Random("sort");
    await both.compare(data(random).map((one) => ({ command: one })));
    for (let n = 0; n < COMMANDS; n += 100) {
      const commands: Compared[] = [];
      for (let i = 0; i < 100; i++) commands.push(command(random));
      commands.push({ command: ["LRANGE", "list:t2", 0, -1] }, { command: ["TYPE", "target"] });
      // A sorted set that was sorted is a skiplist.
      for (const key of ["zset:n", "zset:t"]) commands.push({ command: ["OBJECT", "ENCODING", key] });
      if (random.below(4) === 0) commands.push(...data(random).map((one) => ({ command: one })));
      await both.compare(commands);
    }
  });

  test("a number that loses digits because it is so small is none", async () => {
    // Those that are numbers first: redis-server does not forget its errno between commands that come together.
    const numbers = [
      "2.2250738585072014e-308",
      "0x1p-1074",
      "0x1p-1060",
      "0e-400",
      "5e-324",
      "-1e-310",
      "1e-308",
      "1e-400",
    ];
    await both.compare(
      numbers.flatMap((one) => [
        { command: ["DEL", "tiny"] },
        { command: ["RPUSH", "tiny", one, "1"] },
        { command: ["SORT", "tiny"] },
      ]),
    );
  });
});
