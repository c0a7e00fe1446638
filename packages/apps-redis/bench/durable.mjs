/** SET with `appendfsync always`: demi-redis with files and with a log of libos-spdk, and redis-server, on the same file system. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildWithCMake, interleave, KeptServer, Progress } from "@demikernel/bench";
import { makeLogApplication } from "../test/log-application.mjs";
import { OURS, REDIS, startGroupCommit, startOurs, startRedis } from "./servers.mjs";
import { measure, rowsOf, SIZE, warmUp } from "./speed.mjs";

const PACKAGES = fileURLToPath(new URL("../../", import.meta.url));
const ALWAYS = ["--appendonly", "yes", "--appendfsync", "always"];
export const ON_FILES = `${OURS}, files`;
export const ON_LOG = `${OURS}, a log`;
/** A program that does nothing but make requests durable and answer them. */
export const LEAST = "C, group commit alone";
/** The same without durability: no more can be had of either. */
export const WITHOUT = { [`${OURS}, not durable`]: OURS, [`${REDIS}, not durable`]: REDIS };

/** One row a side, and why the log was left out. */
export async function compareDurable({ rounds, requests, keyspace, seed }, placement, parent) {
  // Not on a file system in memory, which temporary ones may be on.
  const folder = mkdtempSync(join(existsSync("/var/tmp") ? "/var/tmp" : parent, "demi-redis-bench-"));
  const cpu = placement.server;
  const own = (name) => {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const starts = {
    [ON_FILES]: () => startOurs({ cpu, more: [...ALWAYS, "--dir", own("files")] }),
    [ON_LOG]: () => startOurs({ cpu, cwd: withLog(own("log")), config: "demi.yaml", more: ALWAYS }),
    [REDIS]: () => startRedis({ cpu, folder: own("redis"), more: ALWAYS }),
    [LEAST]: () => startGroupCommit({ cpu, program: programs.group_commit, file: join(own("least"), "file") }),
    [Object.keys(WITHOUT)[0]]: () => startOurs({ cpu, more: ["--dir", own("files-not")] }),
    [Object.keys(WITHOUT)[1]]: () => startRedis({ cpu, folder: own("redis-not") }),
  };
  const leftOut = [];
  let programs;
  try {
    programs = buildWithCMake({
      sources: fileURLToPath(new URL("native", import.meta.url)),
      build: fileURLToPath(new URL("../build/bench", import.meta.url)),
      programs: ["group_commit"],
      install: "apt install cmake gcc",
    });
  } catch (error) {
    delete starts[LEAST];
    leftOut.push({ name: LEAST, reason: error.message });
  }
  if (!existsSync(join(PACKAGES, "libos-spdk/prebuilds"))) {
    delete starts[ON_LOG];
    leftOut.push({ name: ON_LOG, reason: "libos-spdk is not built" });
  }
  const test = {
    words: ["SET", "key:__rand_int__", "x".repeat(SIZE)],
    cpu: placement.generator,
    keyspace,
    pipeline: 1,
    requests,
  };
  const servers = Object.fromEntries(Object.entries(starts).map(([name, start]) => [name, new KeptServer(start)]));
  const names = Object.keys(servers);
  const progress = new Progress(names.length * (rounds + 1));
  try {
    for (const [name, kept] of Object.entries(servers)) {
      progress.step(`${name}: warms up`);
      await kept.while((server) => warmUp(server, test));
    }
    const candidates = names.map((name) => ({
      name,
      measure: () => servers[name].while((server) => measure(server, test)),
    }));
    const { samples } = await interleave(candidates, { rounds, seed, onMeasure: (name) => progress.step(name) });
    return { rows: rowsOf(samples, "SET", 1, names), leftOut };
  } finally {
    progress.done();
    for (const kept of Object.values(servers)) await kept.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A folder from which demi-redis finds a storage engine beside its network. */
function withLog(folder) {
  if (!existsSync(join(folder, "demi.yaml"))) makeLogApplication(folder, `file:${join(folder, "device")},size=1GiB`);
  return folder;
}
