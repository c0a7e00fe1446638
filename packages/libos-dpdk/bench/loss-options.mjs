/** The command line of the loss benchmark. */
import { parseArgs } from "node:util";

const help = `Measures throughput where frames get lost, and how long one lost segment holds up the rest.

  --rounds <n>      rounds (default 5)
  --megabytes <n>   bytes of a transfer (default 10)
  --seed <n>        seed of the first round's losses
  --json <file>     where the results go (default bench-results/loss.json)
`;

/** Prints what is wrong, or the help, and ends the process, unless all is well. */
export function readLossOptions(args) {
  const text = { type: "string" };
  const schema = { rounds: text, megabytes: text, seed: text, json: text, help: { type: "boolean" } };
  try {
    const { values } = parseArgs({ args, options: schema });
    if (values.help) {
      process.stdout.write(help);
      process.exit(0);
    }
    return {
      rounds: whole("rounds", values.rounds ?? "5", 1000),
      megabytes: whole("megabytes", values.megabytes ?? "10", 1000),
      seed: values.seed === undefined ? undefined : whole("seed", values.seed, 0xffff0000),
      json: values.json,
    };
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${help}`);
    process.exit(2);
  }
}

function whole(name, value, most) {
  if (!/^\d+$/.test(value) || Number(value) < 1 || Number(value) > most) {
    throw new Error(`--${name}: "${value}" is not a whole number from 1 to ${most}`);
  }
  return Number(value);
}
