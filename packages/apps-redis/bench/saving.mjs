/** BGSAVE of many keys: how long GET waits meanwhile, what memory it takes, and how long the save itself. */
import { setTimeout as sleep } from "node:timers/promises";
import { interleave, Progress, pairedRatios, quartiles } from "@demikernel/bench";
import { keyOf, sendAll } from "./loader.mjs";
import { pinSelf, resident } from "./memory.mjs";
import { whilePinged } from "./pings.mjs";
import { OURS, REDIS, startOurs, startRedis, within } from "./servers.mjs";
import { withClient } from "./speed.mjs";

const VALUE = "v".repeat(64);
/** Milliseconds for which a server at rest is asked; seconds that anything may take. */
const REST = 5000;
const LIMIT = 1200;
const LOOKED = 50;

/** A row a side. */
export async function compareSaving({ keys, rounds, seed }, placement, folder) {
  pinSelf(placement.generator);
  const cpu = placement.server;
  const start = {
    [OURS]: () => startOurs({ cpu, more: ["--dir", folder] }),
    [REDIS]: () => startRedis({ cpu, folder }),
  };
  const progress = new Progress(2 * rounds);
  try {
    const { samples } = await interleave(
      Object.entries(start).map(([name, begin]) => ({ name, measure: () => save(begin, keys, placement.generator) })),
      { rounds, seed, onMeasure: (name) => progress.step(`${name}, ${keys} keys: loading, at rest, BGSAVE`) },
    );
    return [OURS, REDIS].map((name) => rowOf(name, keys, samples.get(name)));
  } finally {
    progress.done();
  }
}

async function save(begin, keys, cpu) {
  const server = await begin();
  const asking = { command: ["GET", keyOf(Math.floor(keys / 2))] };
  const during = (act) => within(LIMIT, "BGSAVE", server.whileAlive(whilePinged(server.port, cpu, act, asking)));
  try {
    const set = (n) => ["SET", keyOf(n), VALUE];
    await within(LIMIT, "loading", server.whileAlive(sendAll(server.port, { to: keys, command: set })));
    const rest = await during(() => sleep(REST));
    const before = resident(server.pid);
    let most = before;
    const began = performance.now();
    const saving = await during(() =>
      withClient(server.port, async (client) => {
        const last = await client.ask("LASTSAVE");
        await client.ask("BGSAVE");
        while ((await client.ask("LASTSAVE")) === last) {
          most = Math.max(most, resident(server.pid));
          await sleep(LOOKED);
        }
      }),
    );
    const seconds = (performance.now() - began) / 1000;
    return { rest, saving, seconds, memory: most / before };
  } finally {
    await server.stop();
  }
}

function rowOf(name, keys, samples) {
  const of = (values) => ({ ...quartiles(values), samples: values });
  const p99 = (which) => samples.map((sample) => sample[which].p99 / 1000);
  return {
    name,
    keys,
    rest: of(p99("rest")),
    saving: of(p99("saving")),
    toRest: of(pairedRatios(p99("saving"), p99("rest"))),
    longest: of(samples.map(({ saving }) => saving.max / 1000)),
    seconds: of(samples.map(({ seconds }) => seconds)),
    memory: of(samples.map(({ memory }) => memory)),
  };
}
