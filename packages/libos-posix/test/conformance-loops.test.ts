/** The cases about queues once more, waiting as an application waits: by promises and run(), in each loop mode. */
import { type ConformanceTarget, conformance, ownLoops } from "@demikernel/conformance";
import { engines } from "./engines.js";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { posixTarget } from "./posix-target.mjs";

for (const engine of engines) {
  for (const loop of ["poll", "adaptive", "interrupt"]) {
    conformance(posixTarget(engine, undefined, loop) as ConformanceTarget, { on: "queues", without: ownLoops });
  }
}
