import {
  type ConformanceTarget,
  conformance,
  conformanceInWorker,
  globalHarness,
  type Selection,
} from "@demikernel/conformance";
import { whyNoAddon } from "../src/addon.js";

/** The conformance suite over one provider, in this thread and in a Worker; where the addon is missing skipped, with CI=true failed. */
export function conformanceOn(target: ConformanceTarget, selection: Selection = {}, inWorker = true): void {
  const reason = whyNoAddon();
  if (reason === undefined) {
    conformance(target, selection);
    if (inWorker) conformanceInWorker(target, globalHarness(), selection);
  } else if (process.env.CI === "true") {
    it(`${target.name} opens`, () => {
      throw new Error(reason);
    });
  } else {
    process.stderr.write(`conformance of ${target.name} skipped: ${reason}\n`);
    it.skip(`conformance of ${target.name} (${reason})`, () => undefined);
  }
}
