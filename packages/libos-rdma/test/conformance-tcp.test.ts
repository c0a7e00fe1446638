import { type ConformanceTarget, conformance, conformanceInWorker } from "@demikernel/core/conformance";
import { whyNoAddon } from "../src/addon";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target } from "./targets/tcp.mjs";

const tcp = target as ConformanceTarget;
const reason = whyNoAddon();
if (reason === undefined) {
  conformance(tcp);
  conformanceInWorker(tcp);
} else if (process.env.CI === "true") {
  it(`${tcp.name} opens`, () => {
    throw new Error(reason);
  });
} else {
  process.stderr.write(`conformance of ${tcp.name} skipped: ${reason}\n`);
  it.skip(`conformance of ${tcp.name} (${reason})`, () => undefined);
}
