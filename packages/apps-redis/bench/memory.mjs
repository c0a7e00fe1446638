/** Resident memory of both servers with the same keys, and how long any command waited while these came, went and expired. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { canPin, interleave, median, Progress, pairedRatios, quartiles, raise } from "@demikernel/bench";
import { keyOf, sendAll } from "./loader.mjs";
import { whilePinged } from "./pings.mjs";
import { OURS, REDIS, startOurs, startRedis, within } from "./servers.mjs";
import { withClient } from "./speed.mjs";

const VALUE = "v".repeat(64);
/** Milliseconds until what is told to expire has gone, beyond the time it is told. */
const EXPIRY_GRACE = 60_000;

/** Seconds a phase may take. */
const LIMIT = 1200;

/** Of each kind: the command that makes one of ten elements, small enough for the compact encoding. */
const SMALL = {
  hash: (key) => ["HSET", key, ...tens((n) => [`field:${n}`, `value:${n}:12345`])],
  list: (key) => ["RPUSH", key, ...tens((n) => [`element:${n}:12345`])],
  // An intset, and a hash table: small sets of texts are no listpacks in 7.0.
  "set of integers": (key) => ["SADD", key, ...tens((n) => [String(n * 1000)])],
  "set of texts": (key) => ["SADD", key, ...tens((n) => [`member:${n}:12345`])],
  "sorted set": (key) => ["ZADD", key, ...tens((n) => [String(n * 3), `member:${n}:12345`])],
};
const tens = (words) => Array.from({ length: 10 }, (_, n) => words(n)).flat();

/** {keys: a row a side, pauses: a row a side and phase, small: a row a kind}. */
export async function compareMemory({ keys, collections, rounds, seed }, placement, folder) {
  pinSelf(placement.generator);
  const start = {
    [OURS]: () => startOurs({ cpu: placement.server }),
    [REDIS]: () => startRedis({ cpu: placement.server, folder }),
  };
  const progress = new Progress(2 * rounds * (PHASES.length + Object.keys(SMALL).length));
  const sides = Object.entries(start);
  try {
    const life = await interleave(
      sides.map(([name, begin]) => ({ name, measure: () => live(name, begin, keys, placement.generator, progress) })),
      { rounds, seed },
    );
    const small = [];
    for (const kind of Object.keys(SMALL)) {
      const { samples } = await interleave(
        sides.map(([name, begin]) => ({ name, measure: () => grown(begin, SMALL[kind], collections) })),
        { rounds, seed, onMeasure: (name) => progress.step(`${name}, ${collections} times a ${kind}`) },
      );
      small.push(smallRow(kind, collections, samples));
    }
    return { ...lifeRows(life.samples, keys), small };
  } finally {
    progress.done();
  }
}

/** The clients that load are in this process, which must leave the server its CPU. */
export function pinSelf(cpu) {
  if (cpu !== undefined && canPin()) spawnSync("taskset", ["-a", "-c", "-p", String(cpu), String(process.pid)]);
}

/** What keys go through; each phase's pauses are told apart. `keys`: the number there was at the start. */
const PHASES = [
  ["loading", (port, keys) => sendAll(port, { to: keys, command: set })],
  ["deleting half", (port, keys) => sendAll(port, { to: keys, step: 2, command: (n) => ["DEL", keyOf(n)] })],
  ["a tenth expires at once", expire],
  ["growing to 1.4 times as many", (port, keys) => sendAll(port, { from: keys, to: 2 * keys, command: set })],
];
const set = (n) => ["SET", keyOf(n), VALUE];

/** A tenth of the first number, of those that deleting left. */
async function expire(port, keys) {
  const count = Math.floor(keys / 10);
  // When all have been told, as it takes some microseconds to tell one.
  const at = Date.now() + 1000 + Math.ceil(count / 50);
  await sendAll(port, { from: 1, to: 2 * count, step: 2, command: (n) => ["PEXPIREAT", keyOf(n), String(at)] });
  await withClient(port, async (client) => {
    const before = Math.ceil(keys / 2) - count;
    const size = async () => Number(await client.ask("DBSIZE"));
    while ((await size()) > before) {
      if (Date.now() > at + EXPIRY_GRACE) throw new Error(`keys are still there ${EXPIRY_GRACE} ms after they expired`);
      await sleep(20);
    }
  });
}

async function live(name, begin, keys, cpu, progress) {
  const server = await begin();
  try {
    raise(server.pid);
    const atStart = resident(server.pid);
    const pauses = {};
    let loaded;
    for (const [phase, act] of PHASES) {
      progress.step(`${name}, ${keys} keys: ${phase}`);
      const pinged = whilePinged(server.port, cpu, () => act(server.port, keys));
      pauses[phase] = await within(LIMIT, `${name}: ${phase}`, server.whileAlive(pinged));
      loaded ??= resident(server.pid);
    }
    return { atStart, loaded, pauses };
  } finally {
    await server.stop();
  }
}

/** Bytes by which it grows for each collection, once what it grows by only once is there: V8 compiles, and its heap widens. */
async function grown(begin, command, count) {
  const server = await begin();
  const make = (from, to) => {
    const sent = sendAll(server.port, { from, to, command: (n) => command(keyOf(n)) });
    return within(LIMIT, "making small collections", server.whileAlive(sent));
  };
  try {
    const first = Math.ceil(count / 4);
    await make(0, first);
    const before = resident(server.pid);
    await make(first, first + count);
    return (resident(server.pid) - before) / count;
  } finally {
    await server.stop();
  }
}

/** Bytes of a process in memory. */
export function resident(pid) {
  return Number(/^VmRSS:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))[1]) * 1024;
}

const of = (values) => ({ ...quartiles(values), samples: values });

function lifeRows(samples, count) {
  const loaded = (name) => samples.get(name).map((sample) => sample.loaded);
  const keys = [OURS, REDIS].map((name) => ({
    name,
    keys: count,
    mebibytes: of(loaded(name).map((bytes) => bytes / 2 ** 20)),
    mebibytesAtStart: median(samples.get(name).map(({ atStart }) => atStart / 2 ** 20)),
    toRedis: of(pairedRatios(loaded(name), loaded(REDIS))),
  }));
  const pauses = PHASES.flatMap(([phase]) =>
    [OURS, REDIS].map((name) => {
      const all = samples.get(name).map((sample) => sample.pauses[phase]);
      const milliseconds = (figure) => of(all.map((summary) => summary[figure] / 1000));
      return { name, phase, longest: milliseconds("max"), p999: milliseconds("p999"), p50: milliseconds("p50") };
    }),
  );
  return { keys, pauses };
}

function smallRow(kind, count, samples) {
  const [ours, redis] = [OURS, REDIS].map((name) => samples.get(name));
  return { kind, count, ours: of(ours), redis: of(redis), toRedis: of(pairedRatios(ours, redis)) };
}
