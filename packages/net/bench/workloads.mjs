/** What is measured: the same application over node:net and over the libOS, and who loads it over the kernel. */
import { connect } from "node:net";
import { fileURLToPath } from "node:url";
import { Child, processCpuNanoseconds } from "@demikernel/bench";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const PACKAGE = here("..");
export const MEBIBYTE = 2 ** 20;

/** A measured process, once it says "ready PORT": its `port`. */
export async function start(file, args, cpu) {
  const child = new Child({
    name: `${file} ${args[0]}`,
    command: process.execPath,
    args: [here(file), ...args],
    cpu,
    cwd: PACKAGE,
  });
  const [, port] = await child.ready(/^ready (\d+)$/, 20_000);
  return Object.assign(child, { port: Number(port) });
}

/** By wrk, from the CPU of generators. */
async function wrk({ port, seconds, cpu }, connections) {
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--latency", `http://127.0.0.1:${port}/`];
  const output = await new Child({ name: "wrk", command: "wrk", args, cpu, measured: true }).output();
  const count = /(\d+) requests in/.exec(output);
  const rps = /Requests\/sec:\s+([\d.]+)/.exec(output);
  if (count === null || rps === null || /Non-2xx|Socket errors/.test(output)) throw new Error(`wrk: ${output}`);
  return { count: Number(count[1]), rps: Number(rps[1]), p50: latency(output, "50"), p99: latency(output, "99") };
}

const MILLISECONDS = { us: 0.001, ms: 1, s: 1000 };
function latency(output, percent) {
  const [, value, unit] = new RegExp(`${percent}%\\s+([\\d.]+)(us|ms|s)`).exec(output) ?? [];
  return Number(value) * MILLISECONDS[unit];
}

/** By a program of ours over node:net. */
async function byScript(file, args, cpu) {
  const child = new Child({
    name: file,
    command: process.execPath,
    args: [here(file), ...args.map(String)],
    cpu,
    measured: true,
  });
  return JSON.parse(await child.output());
}

/** Asks a client that is measured for its load. */
function asked(port, line) {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(line));
    socket.on("data", (bytes) => {
      text += bytes;
    });
    socket.on("end", () => resolve(JSON.parse(text)));
    socket.on("error", reject);
  });
}

const http = (kind, connections) => ({
  start: (side, { server }) => start("apps/http.mjs", [side, kind], server),
  load: (where) => wrk(where, connections),
});
const ws = (size, connections) => ({
  start: (side, { server }) => start("apps/ws.mjs", [side], server),
  load: ({ port, seconds, cpu }) => byScript("ws-load.mjs", [port, connections, size, seconds], cpu),
});
const stream = (what) => ({
  unit: MEBIBYTE,
  start: (side, { server }) => start("apps/stream.mjs", [side], server),
  load: ({ port, cpu, bytes }) => byScript("stream-load.mjs", [port, what, bytes], cpu),
});

/** Most of node:net's CPU: for http and ws with small messages, and for the others. */
const FIRST = 0.75;
const OTHERS = 0.9;

export const WORKLOADS = {
  "http hello, 1": { ...http("hello", 1), goal: FIRST },
  "http hello, 64": { ...http("hello", 64), goal: FIRST },
  "http hello, 256": { ...http("hello", 256), goal: FIRST },
  "fastify JSON, 64": { ...http("fastify", 64), goal: FIRST },
  "ws 64 B, 64": { ...ws(64, 64), goal: FIRST },
  "ws 16 KiB, 16": { ...ws(16384, 16), goal: OTHERS },
  "ioredis GET, 50": {
    needsRedis: true,
    goal: OTHERS,
    start: (side, { server, redis }) => start("apps/ioredis.mjs", [side, redis], server),
    load: ({ port, seconds }) => asked(port, `${Math.round(20_000 * seconds)} 50`),
  },
  "1 GiB sent": { ...stream("get"), goal: OTHERS },
  "1 GiB received": { ...stream("put"), goal: OTHERS },
};

/** What a load took of the measured process, microseconds of CPU a request or MiB. */
export async function measure(child, workload, where) {
  const before = processCpuNanoseconds(child.pid);
  const { count, rps, p50, p99 } = await workload.load({ ...where, port: child.port });
  const cpu = (processCpuNanoseconds(child.pid) - before) / 1000 / (count / (workload.unit ?? 1));
  return { cpu, rps: rps / (workload.unit ?? 1), p50, p99 };
}
