import { type ConformanceTarget, conformance, conformanceInWorker } from "@demikernel/core/conformance";
import { whyNoAddon } from "../src/addon";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target } from "./targets/shm.mjs";

const shm = target as ConformanceTarget;
const reason = whyNoAddon();
if (reason === undefined) {
  conformance(shm);
  conformanceInWorker(shm);
} else if (process.env.CI === "true") {
  it(`${shm.name} opens`, () => {
    throw new Error(reason);
  });
} else {
  process.stderr.write(`conformance of ${shm.name} skipped: ${reason}\n`);
  it.skip(`conformance of ${shm.name} (${reason})`, () => undefined);
}
