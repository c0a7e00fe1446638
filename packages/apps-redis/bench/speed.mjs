/** Speed on posix: redis-benchmark against demi-redis and redis-server, which stay up and warm on the same CPU. */
import {
  Child,
  interleave,
  KeptServer,
  Progress,
  pairedRatios,
  processCpuNanoseconds,
  quartiles,
} from "@demikernel/bench";
import { RespClient } from "./resp-client.mjs";
import { OURS, REDIS, startOurs, startRedis, within } from "./servers.mjs";

export const SIZE = 64;
/** Seconds a measurement may take. */
export const LIMIT = 300;
export const CONNECTIONS = 50;
/** A server is warm when a load costs it no less than this of what the one before did; so many loads at most. */
const WARM = 0.98;
const MOST_WARMING = 8;
const VALUE = "x".repeat(SIZE);
const KEY = "key:__rand_int__";
const ELEMENT = "element:__rand_int__";

/**
 * The command that is measured, and those that make what it finds, once (`fill`) and before every measurement (`before`).
 * redis-benchmark puts digits below the keyspace in place of __rand_int__.
 */
const TESTS = {
  SET: { words: ["SET", KEY, VALUE] },
  GET: { words: ["GET", KEY], fill: ["SET", KEY, VALUE] },
  INCR: { words: ["INCR", "counter:__rand_int__"] },
  // Lists would grow for as long as is measured.
  LPUSH: { words: ["LPUSH", "mylist", VALUE], before: ["DEL", "mylist"] },
  HSET: { words: ["HSET", "myhash", ELEMENT, VALUE] },
  ZADD: { words: ["ZADD", "myzset", "0", ELEMENT] },
  SADD: { words: ["SADD", "myset", ELEMENT] },
  MSET: { words: ["MSET", ...Array.from({ length: 10 }, () => [KEY, VALUE]).flat()], weight: 4 },
  EVAL: { words: ["EVAL", "return redis.call('INCR', KEYS[1])", "1", "counter:__rand_int__"] },
  LRANGE_100: { words: ["LRANGE", "ranged", "0", "99"], fill: ["LPUSH", "ranged", VALUE], filled: 500, weight: 4 },
};
export const TEST_NAMES = Object.keys(TESTS);

/** One row a test, pipeline and side; ratios are of the same round. */
export async function compareSpeed({ tests, pipelines, rounds, requests, keyspace, seed }, placement, folder) {
  const servers = {
    [OURS]: new KeptServer(() => startOurs({ cpu: placement.server })),
    [REDIS]: new KeptServer(() => startRedis({ cpu: placement.server, folder })),
  };
  const progress = new Progress(tests.length * pipelines.length * (rounds + 1) * 2);
  const rows = [];
  try {
    for (const name of tests) {
      for (const pipeline of pipelines) {
        const test = { ...TESTS[name], cpu: placement.generator, keyspace, pipeline };
        // Pipelined ones are quicker, and each measurement should take about as long as the others.
        test.requests = Math.max(1000, Math.round((requests * (pipeline > 1 ? 4 : 1)) / (test.weight ?? 1)));
        const candidates = Object.entries(servers).map(([side, kept]) => ({
          name: side,
          measure: () => kept.while((server) => measure(server, test)),
        }));
        for (const [side, kept] of Object.entries(servers)) {
          progress.step(`${side}, ${name}, pipeline ${pipeline}: fills and warms up`);
          await kept.while(async (server) => {
            await prepare(server, test);
            await warmUp(server, test);
          });
        }
        const onMeasure = (side) => progress.step(`${side}, ${name}, pipeline ${pipeline}`);
        const { samples } = await interleave(candidates, { rounds, seed, onMeasure });
        rows.push(...rowsOf(samples, name, pipeline));
      }
    }
  } finally {
    progress.done();
    for (const kept of Object.values(servers)) await kept.stop();
  }
  return rows;
}

/** An empty keyspace, and then what the test is to find. */
async function prepare({ port }, { fill, filled, keyspace, cpu }) {
  await withClient(port, (client) => client.ask("FLUSHALL"));
  if (fill === undefined) return;
  await load(port, { words: fill, requests: filled ?? 4 * keyspace, pipeline: 64, keyspace, cpu });
}

/** What is measured is a server that has been serving this for a while: V8 compiles for seconds, on the server's CPU. */
export async function warmUp(server, test) {
  let last = Number.POSITIVE_INFINITY;
  for (let i = 0; i < MOST_WARMING; i++) {
    const { cpu } = await measure(server, test);
    if (cpu >= last * WARM) return;
    last = cpu;
  }
}

export async function measure(server, test) {
  if (test.before !== undefined) await withClient(server.port, (client) => client.ask(...test.before));
  const before = processCpuNanoseconds(server.pid);
  const figures = await benchmark(server.port, test);
  return { ...figures, cpu: (processCpuNanoseconds(server.pid) - before) / 1000 / test.requests };
}

/** Requests a second, and milliseconds of p50 and p99. */
export async function benchmark(port, test) {
  const output = await load(port, test);
  const [head, ...lines] = output.split("\n").filter((line) => line.startsWith('"'));
  const cells = (line) => line.split('","').map((cell) => cell.replaceAll('"', ""));
  const values = cells(lines.at(-1) ?? "");
  const value = (name) => Number(values[cells(head ?? "").indexOf(name)]);
  const figures = { rps: value("rps"), p50: value("p50_latency_ms"), p99: value("p99_latency_ms") };
  if (!(figures.rps > 0 && Number.isFinite(figures.rps) && figures.p50 >= 0 && figures.p99 >= 0)) {
    throw new Error(`redis-benchmark has no figures for ${test.words[0]}: ${output}`);
  }
  return figures;
}

/** What redis-benchmark --csv says. Of a load that took no millisecond it says no rate. */
async function load(port, { words, requests, pipeline, keyspace, cpu }) {
  const options = { "-p": port, "-c": CONNECTIONS, "-n": requests, "-P": pipeline, "-r": keyspace };
  const args = [...Object.entries(options).flat().map(String), "--csv", ...words];
  const child = new Child({ name: "redis-benchmark", command: "redis-benchmark", args, cpu, measured: true });
  return within(LIMIT, `redis-benchmark of ${words[0]}`, child.output());
}

export async function withClient(port, use) {
  const client = await RespClient.open(port);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

export function rowsOf(samples, test, pipeline, names = [OURS, REDIS]) {
  const of = (values) => ({ ...quartiles(values), samples: values });
  const values = (side, figure) => samples.get(side).map((sample) => sample[figure]);
  return names.map((name) => {
    const row = { name, test, pipeline };
    for (const figure of ["cpu", "rps", "p50", "p99"]) {
      row[figure] = of(values(name, figure));
      row[`${figure}ToRedis`] = of(pairedRatios(values(name, figure), values(REDIS, figure)));
    }
    return row;
  });
}
