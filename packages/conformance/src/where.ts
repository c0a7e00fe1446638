/** The suite on targets that not every machine has. */
import { conformance, globalHarness, type Harness, type Selection } from "./run.js";
import type { ConformanceTarget } from "./target.js";
import { conformanceInWorker } from "./worker.js";

export interface WhereOptions extends Selection {
  /** Once more in a Worker; a selection: with these changes to it. Default false. */
  inWorker?: boolean | Selection;
  /** Why the target does not open on this machine; undefined when it does. Default {@link whyNotOpen}. */
  whyNot?(target: ConformanceTarget): string | undefined | Promise<string | undefined>;
}

/**
 * Declares the suite on a target, with jest's or vitest's globals; where the target does not open the whole of it is skipped with the reason,
 * and with CI=true it fails.
 */
export async function conformanceWhere(
  target: ConformanceTarget,
  { inWorker = false, whyNot = whyNotOpen, ...selection }: WhereOptions = {},
): Promise<void> {
  declareWhere(`conformance of ${target.name}`, await whyNot(target), () => {
    conformance(target, selection);
    if (inWorker !== false)
      conformanceInWorker(target, globalHarness(), { ...selection, ...(inWorker === true ? {} : inWorker) });
  });
}

/** Opens a libOS to find out why a target does not open; undefined when it does. */
export async function whyNotOpen(target: ConformanceTarget): Promise<string | undefined> {
  try {
    (await target.open()).destroy();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Declares tests, unless there is a reason why they cannot run here: then they are skipped with it, and with CI=true they fail. */
export function declareWhere(
  name: string,
  reason: string | undefined,
  body: () => void,
  harness: Harness = globalHarness(),
): void {
  if (reason === undefined) {
    body();
  } else if (process.env.CI === "true") {
    harness.it(name, () => Promise.reject(new Error(reason)));
  } else {
    process.stderr.write(`${name} skipped: ${reason}\n`);
    harness.skip(`${name} (${reason})`);
  }
}
