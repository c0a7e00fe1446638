/** The suite as data: named cases in groups, which adapters run wherever they like. */
import type { LibOS } from "../types.js";
import type { ConformanceTarget, Need, OpenOverrides } from "./target.js";

/** What a case works with. Everything opened through it is undone when the case ends, however it ends. */
export interface CaseContext {
  readonly target: ConformanceTarget;
  /** Of everything random in the case; part of the message when it fails. */
  readonly seed: number;
  /** A number in [0, 1) from the seed. */
  random(): number;
  /** A libOS that is destroyed at the end of the case. */
  open(overrides?: OpenOverrides): Promise<LibOS>;
  /** Runs at the end of the case, last in first out. */
  defer(undo: () => void | Promise<void>): void;
  /** Where the libOS's sockets bind. */
  host(family: 4 | 6): string;
  /** Where its peers' sockets bind. */
  peerHost(family: 4 | 6): string;
  /** Milliseconds as they pass on this target: a bound on how long something may take. */
  scaled(milliseconds: number): number;
  /** Milliseconds left, at least 1: a timeout for blocking waits. */
  remaining(): number;
  /** Throws when the case has used up its time, naming what it was waiting for. */
  check(waitingFor: string): void;
}

export type CaseFunction = (context: CaseContext) => void | Promise<void>;

export interface ConformanceCase {
  readonly group: string;
  readonly name: string;
  readonly needs: readonly Need[];
  /** Milliseconds the case may take, times the target's `timeScale`. */
  readonly timeout: number;
  readonly fn: CaseFunction;
}

export interface CaseExtras {
  needs?: readonly Need[];
  timeout?: number;
}

export const DEFAULT_TIMEOUT = 5000;

/** Collects the cases of one topic. `needs` holds for all of them. */
export function group(
  name: string,
  needs: readonly Need[],
  body: (test: (name: string, fn: CaseFunction, extras?: CaseExtras) => void) => void,
): ConformanceCase[] {
  const cases: ConformanceCase[] = [];
  body((test, fn, extras = {}) => {
    cases.push({
      group: name,
      name: test,
      needs: [...new Set([...needs, ...(extras.needs ?? [])])],
      timeout: extras.timeout ?? DEFAULT_TIMEOUT,
      fn,
    });
  });
  return cases;
}
