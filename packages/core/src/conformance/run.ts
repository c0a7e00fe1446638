/** Runs the suite in a test framework: jest and vitest as they are, others through a {@link Harness}. */

import type { ConformanceCase } from "./case.js";
import { chooseSeed, runCase, timeoutOf } from "./context.js";
import { suite } from "./suite.js";
import { type ConformanceTarget, lacking } from "./target.js";

/** What the suite asks of a test framework. */
export interface Harness {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>, timeout?: number): void;
  /** Reports a case as not run; the reason is part of the name. */
  skip(name: string): void;
}

/** Declares every case; a case the target cannot run is reported as skipped, and each reason printed once. */
export function runConformance(target: ConformanceTarget, harness: Harness = globalHarness()): void {
  const seed = chooseSeed();
  declare(`conformance of ${target.name}`, target, harness, (test) => runCase(target, test, seed));
}

/** The same with jest's or vitest's globals. */
export function conformance(target: ConformanceTarget): void {
  runConformance(target);
}

/** The shape both runs have: this thread's and a Worker's. */
export function declare(
  title: string,
  target: ConformanceTarget,
  harness: Harness,
  run: (test: ConformanceCase) => Promise<void>,
): void {
  const skipped = new Map<string, number>();
  harness.describe(title, () => {
    for (const name of new Set(suite.map((test) => test.group))) {
      harness.describe(name, () => {
        for (const test of suite) {
          if (test.group !== name) continue;
          const reason = lacking(target, test.needs);
          if (reason === undefined) {
            // The case ends itself at its timeout and says why; the framework's limit is the one behind that.
            harness.it(test.name, () => run(test), timeoutOf(target, test) + 5000);
          } else {
            skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
            harness.skip(`${test.name} (${reason})`);
          }
        }
      });
    }
  });
  for (const [reason, count] of skipped) process.stderr.write(`${title}: ${count} cases skipped: ${reason}\n`);
}

/** describe and it as globals, as jest and vitest (with `globals`) have them. */
export function globalHarness(): Harness {
  const { describe, it } = globalThis as unknown as {
    describe?: Harness["describe"];
    it?: Harness["it"] & { skip(name: string, body: () => void): void };
  };
  if (describe === undefined || it === undefined) {
    throw new Error("no describe() and it() among the globals: pass runConformance() a harness of your own");
  }
  return { describe, it, skip: (name) => it.skip(name, () => undefined) };
}
