/** demi-redis bench: redis-benchmark's options and figures over any backend. */
import { writeFileSync } from "node:fs";
import { table } from "@demikernel/bench";
import { type LibOS, openLibOS } from "@demikernel/core";
import { type Command, InvalidArgumentError } from "commander";
import { Connection } from "../client/connection.js";
import { type Measured, measure } from "./load.js";
import { type BenchTest, TESTS } from "./tests.js";

interface Options {
  host: string;
  port: number;
  clients: number;
  n: number;
  d: number;
  r: number;
  P: number;
  tests?: BenchTest[];
  q?: boolean;
  csv?: boolean;
  json?: string;
  libos?: string;
  config?: string;
}

export function registerBench(program: Command): void {
  program
    .command("bench [words...]")
    .description("measures a Redis server: the usual commands, or one given as words (__rand_int__ is replaced)")
    .helpOption("--help", "display help for command")
    .option("-h, --host <address>", "address of the server", "127.0.0.1")
    .option("-p, --port <n>", "its port", whole("a port", 1, 65535), 6379)
    .option("-c, --clients <n>", "connections", whole("-c", 1, 10_000), 50)
    .option("-n <requests>", "requests of each test", whole("-n", 1, 1e10), 100_000)
    .option("-d <bytes>", "bytes of a value", whole("-d", 1, 1 << 20), 3)
    .option("-r <keyspace>", "keys are chosen among so many", whole("-r", 0, 1e12), 0)
    .option("-P <n>", "requests sent at once", whole("-P", 1, 10_000), 1)
    .option("-t, --tests <list>", `which of ${TESTS.map(({ name }) => name).join(", ")}`, testsOf)
    .option("-q", "a line a test")
    .option("--csv", "as comma separated values")
    .option("--json <file>", "where the results go, too")
    .option("--libos <name>", "backend to use where several are installed (or LIBOS in the environment)")
    .option("--config <file>", "configuration of the backend: demi.yaml (or DEMI_CONFIG in the environment)")
    .passThroughOptions()
    .action(async (words: string[], options: Options) => {
      let os: LibOS | undefined;
      const load = {
        ...options,
        connections: options.clients,
        requests: options.n,
        pipeline: options.P,
        keyspace: options.r,
      };
      const custom: BenchTest = { name: words.join(" "), title: words.join(" "), words: () => words };
      const tests = words.length !== 0 ? [custom] : (options.tests ?? TESTS);
      const results: object[] = [];
      try {
        os = await openLibOS({ libos: options.libos, config: options.config });
        if (options.csv) console.log(CSV_HEAD);
        for (const test of tests) {
          if (test.prepare !== undefined) {
            const connection = await Connection.open(os, options.host, options.port);
            for (const command of test.prepare(options.d)) await connection.ask(...command);
            connection.close();
          }
          const measured = await measure(os, test.words(options.d), load);
          results.push(report(test, measured, options));
        }
        if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, undefined, 2)}\n`);
      } catch (error) {
        const where = os === undefined ? "" : `${options.host}:${options.port}: `;
        console.error(`demi-redis bench: ${where}${(error as Error).message}`);
        process.exitCode = 1;
      } finally {
        os?.destroy();
      }
    });
}

const CSV_HEAD =
  '"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"';

function report(test: BenchTest, { requests, seconds, errors, latencies }: Measured, options: Options): object {
  const { avg, min, p50, p99, max } = latencies.summary();
  const p95 = latencies.quantile(0.95) / 1000;
  const rate = requests / seconds;
  const milliseconds = [avg, min, p50, p95, p99, max].map((us) => (us / 1000).toFixed(3));
  if (options.csv) {
    console.log([test.title, rate.toFixed(2), ...milliseconds].map((one) => `"${one}"`).join(","));
  } else if (options.q) {
    console.log(`${test.title}: ${rate.toFixed(2)} requests per second, p50=${milliseconds[2]} msec`);
  } else {
    console.log(`====== ${test.title} ======`);
    console.log(
      `  ${requests} requests completed in ${seconds.toFixed(2)} seconds, ${options.clients} clients, ` +
        `${options.d} bytes payload, pipeline of ${options.P}`,
    );
    console.log(
      `  ${rate.toFixed(2)} requests per second${errors === 0 ? "" : `, ${errors} of them answered by an error`}`,
    );
    console.log(table(["latency, msec", "avg", "min", "p50", "p95", "p99", "max"], [["", ...milliseconds]]));
  }
  return { test: test.name, requests, seconds, errors, rps: rate, microseconds: { avg, min, p50, p95, p99, max } };
}

function whole(what: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`${what} is a whole number from ${least} to ${most}.`);
    return value;
  };
}

function testsOf(text: string): BenchTest[] {
  return text.split(",").flatMap((name) => {
    const found = TESTS.filter(
      (test) => test.name === name.toLowerCase() || (name === "ping" && test.name === "ping_mbulk"),
    );
    if (found.length === 0) throw new InvalidArgumentError(`there is no test ${name}.`);
    return found;
  });
}
