/** Runs the suite in a test framework: jest and vitest as they are, others through a {@link Harness}. */

import type { ConformanceCase, Subject } from "./case.js";
import { chooseSeed, runCase, timeoutOf } from "./context.js";
import { SharedLibOS } from "./shared-libos.js";
import { suite } from "./suite.js";
import { type ConformanceTarget, lacking } from "./target.js";

/** What the suite asks of a test framework. */
export interface Harness {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>, timeout?: number): void;
  /** Reports a case as not run; the reason is part of the name. */
  skip(name: string): void;
  /** Runs behind the last case of the `describe` it stands in, whatever became of the cases. */
  after(body: () => void | Promise<void>): void;
}

/** Which cases are declared. */
export interface Selection {
  /**
   * Only those about this. The cases about the runtime are the same on all devices of an addon: whoever runs them on one device may run
   * `on: "queues"` on the others. `"device"`: of those about queues what a device decides that shares all the rest with devices which run
   * `"queues"`, for machines on which everything takes long: without the groups of {@link ownLoops}, but for their cases that say `device`.
   * Default all.
   */
  on?: Subject | "device";
  /** Not those of these groups. */
  without?: readonly string[];
  /** Of these groups alone. */
  only?: readonly string[];
}

/**
 * Groups whose cases choose the loop mode or the thread they run in themselves, or open one libOS after another: a target of one mode
 * repeats them for nothing.
 */
export const ownLoops: readonly string[] = ["loop modes", "rule 7: lifetime", "rule 7: threads", "two engines"];

/** Declares the cases; one that the target cannot run is reported as skipped, and each reason printed once. */
export function runConformance(
  target: ConformanceTarget,
  harness: Harness = globalHarness(),
  selection: Selection = {},
): void {
  const seed = chooseSeed();
  const shared = new SharedLibOS(target);
  declare(`conformance of ${target.name}`, target, harness, selection, {
    run: (test) => runCase(shared, test, seed),
    end: () => shared.end(),
  });
}

/** The same with jest's or vitest's globals. */
export function conformance(target: ConformanceTarget, selection: Selection = {}): void {
  runConformance(target, globalHarness(), selection);
}

/** Where the cases run: in this thread, in a Worker. */
export interface Runner {
  run(test: ConformanceCase): Promise<void>;
  /** Nothing comes after: what cases share is closed. */
  end(): void | Promise<void>;
}

/** The shape both runs have: this thread's and a Worker's. */
export function declare(
  title: string,
  target: ConformanceTarget,
  harness: Harness,
  { on, without = [], only }: Selection,
  runner: Runner,
): void {
  const chosen = suite
    .filter((test) => isAbout(test, on))
    .filter((test) => !without.includes(test.group))
    .filter((test) => only === undefined || only.includes(test.group));
  const skipped = new Map<string, number>();
  harness.describe(title, () => {
    for (const name of new Set(chosen.map((test) => test.group))) {
      harness.describe(name, () => {
        for (const test of chosen) {
          if (test.group !== name) continue;
          const reason = lacking(target, test.needs);
          if (reason === undefined) {
            // The case ends itself at its timeout and says why; the framework's limit is the one behind that.
            harness.it(test.name, () => runner.run(test), timeoutOf(target, test) + 5000);
          } else {
            skipped.set(reason, (skipped.get(reason) ?? 0) + 1);
            harness.skip(`${test.name} (${reason})`);
          }
        }
      });
    }
    harness.after(() => runner.end());
  });
  for (const [reason, count] of skipped) process.stderr.write(`${title}: ${count} cases skipped: ${reason}\n`);
}

function isAbout(test: ConformanceCase, on: Selection["on"]): boolean {
  if (on !== "device") return on === undefined || test.on === on;
  return test.on === "queues" && (test.device || !ownLoops.includes(test.group));
}

/** describe, it and afterAll as globals, as jest and vitest (with `globals`) have them. */
export function globalHarness(): Harness {
  const { describe, it, afterAll } = globalThis as unknown as {
    describe?: Harness["describe"];
    it?: Harness["it"] & { skip(name: string, body: () => void): void };
    afterAll?: Harness["after"];
  };
  if (describe === undefined || it === undefined || afterAll === undefined) {
    throw new Error(
      "no describe(), it() and afterAll() among the globals: pass runConformance() a harness of your own",
    );
  }
  return { describe, it, skip: (name) => it.skip(name, () => undefined), after: afterAll };
}
