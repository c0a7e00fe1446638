// demi-echo's client as a load generator: it opens a libOS and then, for each message from its parent, makes connections and keeps them
// busy for a time, with the server's CPU time read at both ends of the counted interval.
//
//   node client.mjs '{"config": FILE, "host": ..., "port": ..., "server": PID}'        started by sides.mjs, with an IPC channel

import { answerLoads } from "@demikernel/bench";
import { openLibOS } from "@demikernel/core";
import { reach } from "../test/programs/reach.mjs";
import { application } from "./application.mjs";

const { measureClosedLoop, percentiles } = await application("bench", "closed-loop.js");
const { config, host, port, server } = JSON.parse(process.argv[2]);
const os = await openLibOS({ libos: "dpdk", loop: "poll", config, from: import.meta.url });
await reach(os, host);

answerLoads(async (load) => {
  const to = { host, port };
  const report = await measureClosedLoop(os, { ...load, to, server, counters: ["dpdk.sentFrames"] });
  const { latency, perRequest, ...sample } = report;
  return { ...sample, ...percentiles(latency), framesPerRequest: perRequest["dpdk.sentFrames"] };
});
