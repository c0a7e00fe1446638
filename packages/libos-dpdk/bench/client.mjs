// demi-echo's client as a load generator: it opens a libOS and then, for each message from its parent, makes connections and keeps them
// busy for a time, with the server's CPU time read at both ends of the counted interval.
//
//   node client.mjs '{"config": FILE, "host": ..., "port": ..., "server": PID}'        started by sides.mjs, with an IPC channel
import { setTimeout as passed } from "node:timers/promises";
import { openLibOS } from "@demikernel/core";
import { processCpuNanoseconds } from "@demikernel/core/bench";
import { reach } from "../test/programs/reach.mjs";
import { application } from "./application.mjs";

const { EchoClient } = await application("echo-client.js");
const { config, host, port, server } = JSON.parse(process.argv[2]);
const os = await openLibOS({ libos: "dpdk", loop: "poll", config, from: import.meta.url });
await reach(os, host);

/** Uncounted until both `warmup` seconds and `warmupRequests` are over, or ten times these seconds: by time alone, a busy machine would leave code uncompiled. */
async function measure({ connections, size, seconds, warmup, warmupRequests }) {
  const to = { host, port };
  const kind = { kind: "tcp", framing: "stream" };
  const limits = { iterations: Number.MAX_SAFE_INTEGER, timeout: 10_000 };
  const client = new EchoClient(os, { to, ...kind, ...limits, size, clients: connections });
  let stopping = false;
  const run = client.run().then(() => {
    if (!stopping) throw client.failure ?? new Error("the client ended before its time");
  });
  const during = (milliseconds) => Promise.race([passed(milliseconds), run]);
  const all = () => client.connections.size === connections && [...client.connections.values()].every(isConnected);
  while (!all()) await during(1);

  const begun = performance.now();
  const enough = () => performance.now() - begun >= warmup * 1000 && client.completed >= warmupRequests;
  do await during(warmup * 100);
  while (!enough() && performance.now() - begun < warmup * 10_000);

  client.latency.reset();
  const before = client.completed;
  const framesBefore = os.stats().sentFrames;
  const cpuBefore = processCpuNanoseconds(server);
  const start = performance.now();
  await during(seconds * 1000);
  const elapsed = (performance.now() - start) / 1000;
  const serverCpuNs = processCpuNanoseconds(server) - cpuBefore;
  const requests = client.completed - before;
  const framesPerRequest = (os.stats().sentFrames - framesBefore) / requests;
  stopping = true;
  client.stop();
  await run;
  for (const qd of client.connections.keys()) os.close(qd);
  os.drain(() => undefined);

  if (client.mismatches > 0) throw new Error(`wrong bytes came back: ${client.firstMismatch}`);
  if (requests === 0) throw new Error("no message came back");
  const microseconds = (percent) => client.latency.percentile(percent) / 1000;
  const latency = { p50: microseconds(50), p99: microseconds(99), p999: microseconds(99.9) };
  return {
    requests,
    warmedUp: before,
    seconds: elapsed,
    reqPerSec: requests / elapsed,
    ...latency,
    framesPerRequest,
    serverCpuNs,
  };
}

const isConnected = ({ connected }) => connected;

process.on("message", async (load) => {
  try {
    process.send({ sample: await measure(load) });
  } catch (error) {
    process.send({ error: error.stack });
  }
});
process.on("disconnect", () => process.exit(0));
process.send("ready");
