// demi-echo's client as a load generator over libfabric.
//
//   node client.mjs '{"options": {...}, "to": {"host": ..., "port": ...}, "server": PID}'      started by sides.mjs, with an IPC channel
import { answerClosedLoops, echoApplication } from "@demikernel/bench";
import { openLibOS } from "@demikernel/core";

const closedLoop = await echoApplication(import.meta.url).module("bench", "closed-loop.js");
const { options, to, server } = JSON.parse(process.argv[2]);
const os = await openLibOS({ ...options, libos: "rdma", loop: "poll", from: import.meta.url });
answerClosedLoops(closedLoop, os, { to, server });
