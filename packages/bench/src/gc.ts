/** What garbage collection took while something ran. */
import { constants, PerformanceObserver } from "node:perf_hooks";

export interface GarbageCollection {
  /** Collections of any kind. */
  count: number;
  /** Those of the young generation. */
  scavenges: number;
  /** Milliseconds in all. Wall time: on a busy machine preemption is in it. */
  total: number;
  /** Longest single pause, milliseconds. */
  longest: number;
}

/** Counts the collections until {@link GarbageObserver.stop}. */
export class GarbageObserver {
  readonly #observed: GarbageCollection = { count: 0, scavenges: 0, total: 0, longest: 0 };
  readonly #observer = new PerformanceObserver((list) => this.#take(list.getEntries()));

  constructor() {
    this.#observer.observe({ entryTypes: ["gc"] });
  }

  /** Stops counting. Entries are delivered by the event loop, so this waits a turn for the last of them. */
  async stop(): Promise<GarbageCollection> {
    await new Promise((resolve) => setTimeout(resolve, 10));
    this.#take(this.#observer.takeRecords());
    this.#observer.disconnect();
    return { ...this.#observed };
  }

  #take(entries: readonly { duration: number; detail?: unknown }[]): void {
    for (const entry of entries) {
      this.#observed.count++;
      if ((entry.detail as { kind?: number }).kind === constants.NODE_PERFORMANCE_GC_MINOR) this.#observed.scavenges++;
      this.#observed.total += entry.duration;
      this.#observed.longest = Math.max(this.#observed.longest, entry.duration);
    }
  }
}
