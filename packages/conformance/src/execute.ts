/** Runs the suite without a test framework. */
import { chooseSeed, runCase } from "./context.js";
import { SharedLibOS } from "./shared-libos.js";
import { suite } from "./suite.js";
import { type ConformanceTarget, lacking } from "./target.js";

export interface CaseResult {
  group: string;
  name: string;
  status: "passed" | "failed" | "skipped";
  /** Wall time. */
  milliseconds: number;
  /** Why it was skipped, or what failed. */
  reason?: string;
}

/** Runs the cases whose "group: name" contains `filter`, one after the other, and yields each result as it comes. */
export async function* execute(target: ConformanceTarget, filter = ""): AsyncGenerator<CaseResult> {
  const seed = chooseSeed();
  const shared = new SharedLibOS(target);
  try {
    for (const test of suite) {
      const { group, name } = test;
      if (!`${group}: ${name}`.includes(filter)) continue;
      const reason = lacking(target, test.needs);
      if (reason !== undefined) {
        yield { group, name, status: "skipped", milliseconds: 0, reason };
        continue;
      }
      const start = performance.now();
      let failure: string | undefined;
      try {
        await runCase(shared, test, seed);
      } catch (error) {
        failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
      }
      const milliseconds = performance.now() - start;
      yield failure === undefined
        ? { group, name, status: "passed", milliseconds }
        : { group, name, status: "failed", milliseconds, reason: failure };
    }
  } finally {
    shared.end();
  }
}
