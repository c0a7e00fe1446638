import { setTimeout as pause } from "node:timers/promises";

/** Milliseconds between two looks, and for which it is looked. */
const BETWEEN = 20;
const PATIENCE = 20_000;

/** Resolves as soon as it is so; `what` did not come to pass in time otherwise. */
export async function eventually(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE; !(await isSo()); await pause(BETWEEN)) {
    if (Date.now() > end) throw new Error(`not in ${PATIENCE / 1000} s: ${what}`);
  }
}
