/** Events that took longer than latency-monitor-threshold, the last ones of each kind (Redis: latency.c). */

/** Of each kind. */
const KEPT = 160;

export interface Sample {
  /** Seconds since 1970. */
  time: number;
  /** The longest of that second. */
  milliseconds: number;
}

export interface Series {
  samples: Sample[];
  /** Ever. */
  most: number;
}

export class Latency {
  readonly events = new Map<string, Series>();

  add(event: string, took: number): void {
    const milliseconds = Math.floor(took);
    const time = Math.floor(Date.now() / 1000);
    let series = this.events.get(event);
    if (series === undefined) {
      series = { samples: [], most: 0 };
      this.events.set(event, series);
    }
    series.most = Math.max(series.most, milliseconds);
    const last = series.samples[series.samples.length - 1];
    if (last?.time === time) {
      last.milliseconds = Math.max(last.milliseconds, milliseconds);
    } else {
      series.samples.push({ time, milliseconds });
      if (series.samples.length > KEPT) series.samples.shift();
    }
  }
}
