/** Round trips of a client, in a histogram: kept aside one by one, which costs a few nanoseconds, and counted many at a time. */
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

/** So many that counting them delays fewer than one message in a thousand: no percentile that is printed sees it. */
const ASIDE = 2048;

export class Latencies {
  private readonly counted = createHistogram({ lowest: 1, highest: 3_600_000_000_000, figures: 3 });
  private readonly aside = new Float64Array(ASIDE);
  private waiting = 0;

  /** Milliseconds. */
  record(milliseconds: number): void {
    this.aside[this.waiting++] = milliseconds;
    if (this.waiting === ASIDE) this.count();
  }

  /** All of them, in nanoseconds. */
  get histogram(): RecordableHistogram {
    this.count();
    return this.counted;
  }

  reset(): void {
    this.waiting = 0;
    this.counted.reset();
  }

  private count(): void {
    for (let i = 0; i < this.waiting; i++) {
      this.counted.record(Math.max(1, Math.round((this.aside[i] as number) * 1e6)));
    }
    this.waiting = 0;
  }
}
