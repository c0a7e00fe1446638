/** The command line of a benchmark that compares sides at numbers of connections, in interleaved rounds. */
import { parseArgs } from "node:util";

export interface ComparisonOptions {
  connections: number[];
  rounds: number;
  /** Counted, per measurement. */
  seconds: number;
  /** Bytes in a message. */
  size: number;
  /** What {@link ComparisonKinds} names. */
  kinds: string[];
  seed: number | undefined;
  realtime: boolean;
  json: string | undefined;
  svg: string | undefined;
}

/** What there is to choose from: `--<option> <list>` of `names`. */
export interface ComparisonKinds {
  option: string;
  /** "pairs of devices". */
  what: string;
  names: readonly string[];
  /** Measured when nothing is chosen. */
  usual: readonly string[];
}

const text = { type: "string" } as const;
const flag = { type: "boolean" } as const;

/** Prints what is wrong, or the help, and ends the process, unless all is well. `about`: the first line of the help. */
export function readComparisonOptions(
  about: string,
  kinds: ComparisonKinds,
  args: readonly string[] = process.argv.slice(2),
): ComparisonOptions {
  const help = helpText(about, kinds);
  let options: ComparisonOptions | undefined;
  try {
    options = parseComparisonOptions(kinds, args);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${help}`);
    process.exit(2);
  }
  if (options !== undefined) return options;
  process.stdout.write(help);
  process.exit(0);
}

/** Undefined when help is asked for. Throws an Error that says what is wrong. */
export function parseComparisonOptions(kinds: ComparisonKinds, args: readonly string[]): ComparisonOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ connections: text, rounds: text, seconds: text, size: text, seed: text, json: text, svg: text },
      ...{ realtime: flag, quick: flag, help: flag },
      [kinds.option]: text,
    },
  });
  if (values.help) return undefined;
  const chosen = list((values as Record<string, unknown>)[kinds.option] as string | undefined) ?? [...kinds.usual];
  for (const name of chosen) {
    if (!kinds.names.includes(name))
      throw new Error(`--${kinds.option}: "${name}" is none of ${kinds.names.join(", ")}`);
  }
  const connections = list(values.connections) ?? ["1", "16", "64"];
  return {
    connections: connections.map((item) => number("connections", item, 1, 4096)),
    rounds: number("rounds", values.rounds ?? (values.quick ? "3" : "5"), 1, 1000),
    seconds: number("seconds", values.seconds ?? "0.2", 0.05, 60),
    size: number("size", values.size ?? "64", 1, 1 << 20),
    kinds: chosen,
    seed: values.seed === undefined ? undefined : number("seed", values.seed, 0, 0xffffffff),
    realtime: values.realtime ?? false,
    json: values.json,
    svg: values.svg,
  };
}

function helpText(about: string, { option, what, names, usual }: ComparisonKinds): string {
  return `${about}

  --connections <list>  numbers of connections (default 1,16,64)
  --rounds <n>          rounds of each comparison (default 5)
  --seconds <s>         counted seconds per measurement (default 0.2)
  --size <bytes>        bytes in a message (default 64)
  ${`--${option} <list>`.padEnd(20)}  ${what}: ${names.join(", ")} (default ${usual.join(",")})
  --realtime            measured processes get real-time priority, in bursts of half a second: for a machine with other work
  --quick               3 rounds: to see that it works, not to believe
  --seed <n>            seed of the order within the rounds
  --json <file>         where the results go (default bench-results/echo.json)
  --svg <file>          where the main plot goes (default bench-results/echo.svg)
`;
}

const list = (value?: string): string[] | undefined => value?.split(",").map((item) => item.trim());

function number(name: string, value: string, least: number, most: number): number {
  const result = Number(value);
  const whole = name === "seconds" || Number.isInteger(result);
  if (value.trim() === "" || !whole || !(result >= least && result <= most)) {
    throw new Error(`--${name}: "${value}" is not a number from ${least} to ${most}`);
  }
  return result;
}
