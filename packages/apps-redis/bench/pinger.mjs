// A client that sends PING again and again, as a process that stays: how long others make it wait.
//
//   node pinger.mjs '{"port": PORT, "command": ["PING"]}'       started by pings.mjs, with an IPC channel: "start", and later "stop", which is answered
import { connect } from "node:net";
import { setPriority } from "node:os";
import { performance } from "node:perf_hooks";
import { Histogram } from "@demikernel/bench";
import { encode } from "./resp-client.mjs";

const { port, command } = JSON.parse(process.argv[2]);
const PING = Buffer.from(encode(command));
let waits;
let since;
let stopped = false;

try {
  // The client that loads the server is on the same CPU, and its work is not the server's pause.
  setPriority(-20);
} catch {
  // Not permitted: then that is in the figures, of both servers.
}
const socket = connect({ host: "127.0.0.1", port }, () => process.send({ ready: true }));
socket.setNoDelay(true);
socket.on("error", ({ message }) => {
  process.send({ error: message });
  process.exit(1);
});
socket.on("data", () => {
  if (waits === undefined) return;
  waits.record(Math.round((performance.now() - since) * 1e6));
  // Not at once: the CPU is the loading client's, too.
  if (!stopped) setTimeout(ping, 1);
  else process.send({ buckets: waits.buckets() }, () => process.exit(0));
});
process.on("message", (message) => {
  if (message === "start") {
    waits = new Histogram();
    ping();
  } else {
    stopped = true;
  }
});
process.on("disconnect", () => process.exit(0));

function ping() {
  since = performance.now();
  socket.write(PING);
}
