// demi-echo's client as a load generator over DPDK.
//
//   node client.mjs '{"config": FILE, "host": ..., "port": ..., "server": PID}'        started by sides.mjs, with an IPC channel
import { answerClosedLoops, echoApplication } from "@demikernel/bench";
import { openLibOS } from "@demikernel/core";
import { reach } from "../test/programs/reach.mjs";

const closedLoop = await echoApplication(import.meta.url).module("bench", "closed-loop.js");
const { config, host, port, server } = JSON.parse(process.argv[2]);
const os = await openLibOS({ libos: "dpdk", loop: "poll", config, from: import.meta.url });
await reach(os, host);
answerClosedLoops(closedLoop, os, { to: { host, port }, server }, { framesPerRequest: "dpdk.sentFrames" });
