// demi-echo's client as a load generator: it opens a libOS and then, for each message from its parent, makes connections and keeps them
// busy for a time, with the server's CPU time read at both ends of the counted interval.
//
//   node client.mjs '{"options": {...}, "to": {"host": ..., "port": ...}, "server": PID}'      started by sides.mjs, with an IPC channel

import { answerLoads } from "@demikernel/bench";
import { openLibOS } from "@demikernel/core";
import { application } from "./application.mjs";

const { measureClosedLoop, percentiles } = await application("bench", "closed-loop.js");
const { options, to, server } = JSON.parse(process.argv[2]);
const os = await openLibOS({ ...options, libos: "rdma", loop: "poll", from: import.meta.url });

answerLoads(async (load) => {
  const { latency, perRequest: _, ...sample } = await measureClosedLoop(os, { ...load, to, server });
  return { ...sample, ...percentiles(latency) };
});
