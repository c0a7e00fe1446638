// Imported behind register: at exit, on stderr, which sockets Node made itself, and what the libOS did.
import { createHook } from "node:async_hooks";
import diagnostics from "node:diagnostics_channel";
import { writeSync } from "node:fs";
import { openStack } from "../../dist/stack.js";

const proof = { kernelSockets: 0, kernelServers: 0, accepted: 0, completed: 0, backend: openStack()?.name };
createHook({
  init(_, type) {
    if (type === "TCPWRAP") proof.kernelSockets++;
    if (type === "TCPSERVERWRAP") proof.kernelServers++;
  },
}).enable();
diagnostics.subscribe("demikernel:accept", () => proof.accepted++);
// Before the libOS is closed.
process.prependListener("exit", () => {
  proof.completed = openStack()?.os.stats().completed ?? 0;
  writeSync(2, `PROOF ${JSON.stringify(proof)}\n`);
});
