import { type ConformanceTarget, declareWhere, whyNotOpen } from "@demikernel/conformance";
// @ts-expect-error: plain JavaScript, so that programs and Workers can import it as it is.
import { lacking } from "./bed.mjs";

/** Declares tests that need the bed. Without a bed, or for another reason, they are skipped; with CI=true that is a failure. */
export function onBed(name: string, body: () => void, reason: string | undefined = lacking): void {
  declareWhere(name, reason, () => describe(name, body));
}

/** Why a target of the bed does not open on this machine. */
export async function whyNot(target: ConformanceTarget): Promise<string | undefined> {
  return lacking ?? (await whyNotOpen(target));
}
