/** What the server does from time to time, and what it does bit by bit so that no command waits for it (Redis: serverCron, databasesCron). */
import type { Server } from "./server.js";

/** Milliseconds of one slice of work, and between two: a quarter of the time while there is work, and no command waits for long. */
const SLICE = 1;
const BETWEEN = 3;
/** Buckets that are moved before the clock is looked at. */
const BUCKETS = 100;

export class Cron {
  /** What else is to be done `hz` times a second. */
  readonly tasks: (() => void)[] = [];
  /** DEBUG PAUSE-CRON: nothing is done. */
  isPaused = false;
  private timer: NodeJS.Timeout | undefined;
  private sliceTimer: NodeJS.Timeout | undefined;

  constructor(private readonly server: Server) {}

  start(): void {
    this.schedule();
  }

  stop(): void {
    clearTimeout(this.timer);
    clearTimeout(this.sliceTimer);
    this.timer = this.sliceTimer = undefined;
  }

  private schedule(): void {
    this.timer = setTimeout(this.tick, 1000 / Math.min(Math.max(this.server.config.hz, 1), 500)).unref();
  }

  private readonly tick = (): void => {
    const now = Date.now();
    this.server.wallClock.follow(now);
    this.schedule();
    if (this.isPaused) return;
    this.server.evictor.tick(now);
    for (const task of this.tasks) task();
    if (this.sliceTimer === undefined) this.slice();
  };

  /** One slice of all work that can wait; the next follows while there is some. */
  private readonly slice = (): void => {
    this.sliceTimer = undefined;
    if (this.isPaused) return;
    const { activeExpiry, keyspace, loading } = this.server;
    keyspace.setNow(Date.now());
    const end = performance.now() + SLICE;
    // CLIENT PAUSE: the dataset does not change. And of a replica the master says what goes.
    const isKept = this.server.pause.isOn || loading.isOn || this.server.replication.master !== undefined;
    let more = !isKept && activeExpiry.run(end);
    if (keyspace.pendingReleases !== 0) more = keyspace.releaseSome(Math.max(end - performance.now(), 0)) || more;
    more = this.rebuild(end) || more;
    this.server.propagation.flush();
    this.sliceTimer = more ? setTimeout(this.slice, BETWEEN).unref() : undefined;
  };

  /** Hash tables that are rebuilt: commands do it, too, but only those of their own database. */
  private rebuild(end: number): boolean {
    for (const { dict } of this.server.keyspace.dbs) {
      while (dict.rebuild(BUCKETS)) if (performance.now() >= end) return true;
    }
    return false;
  }
}
