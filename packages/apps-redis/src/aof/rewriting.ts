/** A new base of the append-only file, written beside commands: BGREWRITEAOF, and when the file has grown (auto-aof-rewrite-percentage). */
import { DemiError } from "@demikernel/core";
import { RdbFileWriter } from "../rdb/file-writer.js";
import type { Server } from "../server/server.js";
import { isLog, openFresh } from "./open-store.js";
import type { AofStore, Base } from "./store.js";

/** Failures in a row after which the next try waits: a minute, then twice as long each time, up to an hour (as redis-server). */
const FAILURES = 3;
const MINUTE = 60_000;
const LONGEST_DELAY = 60;

export class Rewriting {
  isRunning = false;
  isScheduled = false;
  /** Of the last one. */
  lastFailed = false;
  lastSeconds = -1;
  /** Since the start: how many were begun, and how many failed in a row. */
  count = 0;
  failures = 0;
  private begunAt = 0;
  /** What is being written, also while it goes to the disk as a whole. */
  private base: Base | undefined;
  /** What it is written to while the append-only file is off. */
  private apart: AofStore | undefined;
  private ended: (error: Error | undefined) => void = () => {};
  private delay = 0;
  private notBefore = 0;

  constructor(private readonly server: Server) {
    server.cron.tasks.push(() => this.tick());
  }

  get currentSeconds(): number {
    return this.isRunning ? Math.floor((this.server.clock() - this.begunAt) / 1000) : -1;
  }

  /** When nothing else is in the way. */
  schedule(): void {
    this.isScheduled = true;
    this.failures = 0;
    this.notBefore = 0;
  }

  /** Resolves when none is running, whatever became of it. */
  settled(): Promise<void> {
    if (!this.isRunning) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }
  private readonly waiting: (() => void)[] = [];

  /** False: it cannot begin now. `ended` is called at the end with why it failed. */
  start(ended: (error: Error | undefined) => void = () => {}): boolean {
    const { server } = this;
    const { aof } = server;
    if (this.isRunning || aof.isFailing || !server.snapshots.isFree) return false;
    // What was told so far is behind the old base only.
    if (!aof.push()) return false;
    if (aof.current === undefined) this.apart = this.openApart();
    const store = aof.current ?? this.apart;
    if (store === undefined) return false;
    this.isScheduled = false;
    this.isRunning = true;
    this.count++;
    this.begunAt = server.clock();
    this.ended = ended;
    let base: Base;
    try {
      base = store.beginBase();
    } catch (error) {
      this.end(error as Error);
      return false;
    }
    this.base = base;
    aof.beginsAnew();
    const writer = new RdbFileWriter(server.config, server.evictor, base.sink);
    writer.begin(server.rdb.facts(true));
    for (const library of server.rdb.libraries()) writer.library(library);
    server.snapshots.start("aof", writer, (isWhole) => {
      if (!isWhole) return this.giveUp();
      writer.end();
      base.commit((error) => {
        if (this.base === base) this.end(error);
      });
    });
    return true;
  }

  /** Nobody wants the one under way any more, however far it is. */
  stop(): void {
    this.isScheduled = false;
    if (!this.isRunning) return;
    // When all is told somebody else may have a snapshot.
    if (this.server.snapshots.kind === "aof") this.server.snapshots.abandon();
    else this.giveUp();
    // It is no failure.
    this.failures = 0;
  }

  private giveUp(): void {
    this.base?.abandon();
    this.end(new Error("it was given up"));
  }

  /** While the append-only file is off: it gets a base of what the dataset is now, and nothing behind it. */
  private openApart(): AofStore | undefined {
    try {
      if (isLog(this.server)) throw new DemiError("EINVAL", "open", "the append-only file is off");
      return openFresh(this.server);
    } catch (error) {
      if (!(error instanceof DemiError) && (error as NodeJS.ErrnoException).syscall === undefined) throw error;
      this.server.log(`rewriting the append-only file failed: ${(error as Error).message}`);
      return undefined;
    }
  }

  private end(error: Error | undefined): void {
    const { ended } = this;
    this.isRunning = false;
    this.base = undefined;
    this.ended = () => {};
    this.apart?.close();
    this.apart = undefined;
    this.lastSeconds = Math.floor((this.server.clock() - this.begunAt) / 1000);
    this.lastFailed = error !== undefined;
    if (error === undefined) {
      this.server.aof.countFromHere();
      this.failures = this.delay = 0;
    } else {
      this.failures++;
      this.server.log(`rewriting the append-only file failed: ${error.message}`);
    }
    ended(error);
    for (const resolve of this.waiting.splice(0)) resolve();
  }

  private tick(): void {
    const { aof, config, loading } = this.server;
    const store = aof.current;
    // Half of a dataset is no base of anything.
    if (this.isRunning || loading.isOn) return;
    if (!this.isScheduled && (store === undefined || (!aof.lacksBase && !this.hasGrown(config, store)))) return;
    if (this.failures >= FAILURES && !this.mayTry()) return;
    this.start();
  }

  private hasGrown(
    { autoAofRewriteMinSize, autoAofRewritePercentage }: Server["config"],
    { appendedBytes, baseBytes }: { appendedBytes: number; baseBytes: number },
  ): boolean {
    const bytes = baseBytes + appendedBytes;
    if (autoAofRewritePercentage === 0 || bytes <= autoAofRewriteMinSize) return false;
    return (bytes * 100) / Math.max(this.server.aof.bytesAfterRewrite, 1) - 100 >= autoAofRewritePercentage;
  }

  private mayTry(): boolean {
    const now = this.server.clock();
    if (this.notBefore === 0) {
      this.delay = Math.min(this.delay === 0 ? 1 : this.delay * 2, LONGEST_DELAY);
      this.notBefore = now + this.delay * MINUTE;
      return false;
    }
    if (now < this.notBefore) return false;
    this.notBefore = 0;
    return true;
  }
}
