/** The benchmark's command line. */
import { parseArgs } from "node:util";
import { pairNames } from "./wires.mjs";

const help = `Measures demi-echo over DPDK beside C on the kernel's loopback, in interleaved rounds. With "loss" as the first word: what
lost frames cost, see loss --help.

  --connections <list>  numbers of connections (default 1,16,64)
  --rounds <n>          rounds of each comparison (default 5)
  --seconds <s>         counted seconds per measurement (default 0.2)
  --size <bytes>        bytes in a message (default 64)
  --pairs <list>        pairs of devices: ${pairNames.join(", ")} (default virtio)
  --realtime            measured processes get real-time priority, in bursts of half a second: for a machine with other work
  --quick               3 rounds: to see that it works, not to believe
  --seed <n>            seed of the order within the rounds
  --json <file>         where the results go (default bench-results/echo.json)
  --svg <file>          where the main plot goes (default bench-results/echo.svg)
`;

const text = { type: "string" };
const flag = { type: "boolean" };

/** Prints what is wrong, or the help, and ends the process, unless all is well. */
export function readOptions(args) {
  const schema = { connections: text, rounds: text, seconds: text, size: text, pairs: text, seed: text };
  const flags = { realtime: flag, quick: flag, help: flag };
  let values;
  try {
    ({ values } = parseArgs({ args, options: { ...schema, ...flags, json: text, svg: text } }));
    if (values.help) {
      process.stdout.write(help);
      process.exit(0);
    }
    return {
      connections: list(values.connections ?? "1,16,64").map((item) => number("connections", item, 1, 4096)),
      rounds: number("rounds", values.rounds ?? (values.quick ? "3" : "5"), 1, 1000),
      seconds: number("seconds", values.seconds ?? "0.2", 0.05, 60),
      size: number("size", values.size ?? "64", 1, 1 << 20),
      pairs: list(values.pairs ?? "virtio").map(pairName),
      seed: values.seed === undefined ? undefined : number("seed", values.seed, 0, 0xffffffff),
      realtime: values.realtime ?? false,
      json: values.json,
      svg: values.svg,
    };
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${help}`);
    process.exit(2);
  }
}

const list = (value) => value.split(",").map((item) => item.trim());

function pairName(name) {
  if (!pairNames.includes(name)) throw new Error(`--pairs: "${name}" is none of ${pairNames.join(", ")}`);
  return name;
}

function number(name, value, least, most) {
  const result = Number(value);
  const whole = name === "seconds" || Number.isInteger(result);
  if (value.trim() === "" || !whole || !(result >= least && result <= most)) {
    throw new Error(`--${name}: "${value}" is not a number from ${least} to ${most}`);
  }
  return result;
}
