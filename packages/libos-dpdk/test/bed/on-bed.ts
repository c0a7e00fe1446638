import type { ConformanceTarget, Selection } from "@demikernel/conformance";
import { conformance, conformanceInWorker, globalHarness } from "@demikernel/conformance";
// @ts-expect-error: plain JavaScript, so that programs and Workers can import it as it is.
import { lacking } from "./bed.mjs";

/** Declares tests that need the bed. Where there is none, or for another reason, they are skipped; with CI=true that is a failure. */
export function onBed(name: string, body: () => void, reason: string | undefined = lacking): void {
  if (reason === undefined) {
    describe(name, body);
  } else if (process.env.CI === "true") {
    it(name, () => {
      throw new Error(reason);
    });
  } else {
    process.stderr.write(`${name} skipped: ${reason}\n`);
    it.skip(`${name} (${reason})`, () => undefined);
  }
}

/** Why a target does not open on this machine. */
export async function whyNot(target: ConformanceTarget): Promise<string | undefined> {
  if (lacking !== undefined) return lacking;
  try {
    (await target.open()).destroy();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Declares the conformance suite on a target of the bed: in this thread and, where asked for, in a Worker. */
export async function conformanceOn(
  target: ConformanceTarget,
  { inWorker = false, ...selection }: Selection & { inWorker?: boolean } = {},
): Promise<void> {
  onBed(
    target.name,
    () => {
      conformance(target, selection);
      if (inWorker) conformanceInWorker(target, globalHarness(), selection);
    },
    await whyNot(target),
  );
}
