/** node run.mjs node|libos: runs all cases over node:dgram, or over a libOS; a line of JSON for each. */
import dgram from "node:dgram";
import { cases } from "./cases.mjs";
import { Trace } from "./trace.mjs";

const over = process.argv[2];
const net = over === "libos" ? await import("@demikernel/net") : undefined;
const createSocket = net?.createSocket ?? dgram.createSocket;

for (const [name, run] of Object.entries(cases)) {
  const trace = new Trace(createSocket);
  try {
    await run(trace);
    // What is told late is told too.
    await new Promise((done) => setImmediate(done));
    console.log(JSON.stringify({ name, seen: trace.seen }));
  } catch (error) {
    console.log(JSON.stringify({ name, failed: String(error?.stack), seen: trace.seen }));
  }
  trace.end();
}
