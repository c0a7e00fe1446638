/** node:net and posix, one workload after the other. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Child, interleave, KeptServer, Progress, pairedRatios, quartiles } from "@demikernel/bench";
import { measure, WORKLOADS } from "./workloads.mjs";

export const NODE = "node:net";
export const OURS = "posix";
const SIDES = { [NODE]: "node", [OURS]: JSON.stringify({ libos: "posix" }) };
/** A server is warm when a load costs it no less than this of what the one before did; so many loads at most. */
const WARM = 0.98;
const MOST_WARMING = 6;

export async function comparePosix({ workloads, rounds, seconds, bytes, seed }, placement) {
  const progress = new Progress(workloads.length * (rounds + 1) * 2);
  const rows = [];
  const leftOut = [];
  for (const name of workloads) {
    const workload = WORKLOADS[name];
    let redis;
    try {
      if (workload.needsRedis) redis = await startRedis(placement.generator);
    } catch (error) {
      leftOut.push({ name, reason: error.message });
      continue;
    }
    const where = { seconds, bytes, cpu: placement.generator };
    const kept = Object.entries(SIDES).map(([side, argument]) => ({
      name: side,
      server: new KeptServer(() => workload.start(argument, { server: placement.server, redis: redis?.port })),
    }));
    try {
      const candidates = kept.map(({ name: side, server }) => ({
        name: side,
        measure: () => server.while((child) => measure(child, workload, where)),
      }));
      for (const candidate of candidates) {
        progress.step(`${candidate.name}, ${name}: warms up`);
        await warmUp(candidate);
      }
      const { samples } = await interleave(candidates, {
        rounds,
        seed,
        onMeasure: (side) => progress.step(`${side}, ${name}`),
      });
      rows.push(...rowsOf(samples, name, workload));
    } finally {
      for (const { server } of kept) await server.stop();
      await redis?.stop();
    }
  }
  progress.done();
  return { rows, leftOut };
}

/** What is measured is an application that has been serving for a while: V8 compiles for seconds, on the same CPU. */
async function warmUp(candidate) {
  let last = Number.POSITIVE_INFINITY;
  for (let i = 0; i < MOST_WARMING; i++) {
    const { cpu } = await candidate.measure();
    if (cpu >= last * WARM) return;
    last = cpu;
  }
}

function rowsOf(samples, workload, { goal, unit }) {
  const values = (side, figure) => samples.get(side).map((sample) => sample[figure]);
  return [...samples.keys()].map((name) => {
    const row = { workload, name, goal, isStream: unit !== undefined };
    for (const figure of ["cpu", "rps", "p50", "p99"]) {
      if (values(name, figure)[0] === undefined) continue;
      row[figure] = { ...quartiles(values(name, figure)), samples: values(name, figure) };
      const ratios = pairedRatios(values(name, figure), values(NODE, figure));
      row[`${figure}ToNode`] = { ...quartiles(ratios), samples: ratios };
    }
    return row;
  });
}

/** Debian's redis-tools has the server, as redis-check-rdb. */
async function startRedis(cpu) {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "demi-net-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  const own = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", folder];
  const args = ["-c", 'exec -a redis-server redis-check-rdb "$@"', "redis-server", ...own];
  const child = new Child({ name: "redis-server", command: "bash", args, cpu });
  await child.ready(/Ready to accept connections/, 20_000);
  return Object.assign(child, { port });
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
