/** The suite as data: named cases in groups, which adapters run wherever they like. */
import type { LibOS } from "@demikernel/core";
import type { ConformanceTarget, Need, OpenOverrides } from "./target.js";

/** What a case works with. Everything opened through it is undone when the case ends, however it ends. */
export interface CaseContext {
  readonly target: ConformanceTarget;
  /** Of everything random in the case; part of the message when it fails. */
  readonly seed: number;
  /** A number in [0, 1) from the seed. */
  random(): number;
  /**
   * The libOS of the case: the one that the cases before left clean or, in a case that is about opening, closing or limits (`own`), a
   * fresh one, destroyed at the end of the case. Only such a case may ask for options, and for several.
   */
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

/**
 * What a case is about. "runtime": what core's runtime decides alone, with no socket, no file and no sleep of the device; it is the same
 * on every device of an addon. "queues": what the backend's queues, its memory or its teardown decide; it runs on every device.
 */
export type Subject = "runtime" | "queues";

export interface ConformanceCase {
  readonly group: string;
  readonly name: string;
  readonly on: Subject;
  readonly needs: readonly Need[];
  /** It opens the libOSes it works with itself; no other is open in its thread meanwhile. */
  readonly own: boolean;
  /** Of a group of `ownLoops`: it shows what the device itself does when it is opened, closed or asleep. */
  readonly device: boolean;
  /** Milliseconds the case may take, times the target's `timeScale`. */
  readonly timeout: number;
  readonly fn: CaseFunction;
}

export interface CaseExtras {
  /** Default "queues". */
  on?: Subject;
  /** A case that needs anything of the backend or of the test bed is about its queues, whatever its group says. */
  needs?: readonly Need[];
  /** Default false. */
  own?: boolean;
  /** Default false. */
  device?: boolean;
  timeout?: number;
}

export const DEFAULT_TIMEOUT = 5000;

/** Collects the cases of one topic. What `common` says holds for all of them that do not say otherwise; needs add up. */
export function group(
  name: string,
  common: CaseExtras,
  body: (test: (name: string, fn: CaseFunction, extras?: CaseExtras) => void) => void,
): ConformanceCase[] {
  const cases: ConformanceCase[] = [];
  body((test, fn, extras = {}) => {
    const needs = [...new Set([...(common.needs ?? []), ...(extras.needs ?? [])])];
    cases.push({
      group: name,
      name: test,
      on: extras.on ?? (needs.length > 0 ? "queues" : (common.on ?? "queues")),
      needs,
      own: extras.own ?? common.own ?? false,
      device: extras.device ?? common.device ?? false,
      timeout: extras.timeout ?? common.timeout ?? DEFAULT_TIMEOUT,
      fn,
    });
  });
  return cases;
}
