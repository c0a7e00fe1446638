/** Who may have a snapshot, and when it goes on: one at a time, in slices between commands. */
import type { Server } from "../server/server.js";
import { Snapshot, type SnapshotTarget } from "./snapshot.js";

/** Milliseconds of one slice: a command waits for no longer. And between two slices while there are commands; else they follow each other. */
const SLICE = 0.1;
const BETWEEN = 0.3;
/** Milliseconds while whoever gets the keys takes no more. */
const PATIENCE = 1;

/** Who has it: an RDB file or a replica ("rdb"), or the append-only file. */
export type SnapshotKind = "rdb" | "aof";

export class Snapshots {
  /** What is under way for somebody. */
  kind: SnapshotKind | undefined;
  private snapshot: Snapshot | undefined;
  private ended: ((isWhole: boolean) => void) | undefined;
  private timer: NodeJS.Timeout | undefined;
  private immediate: NodeJS.Immediate | undefined;
  private began = 0;
  /** When the last slice ended, and how many commands there had been. */
  private ran = 0;
  private processed = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly server: Server) {}

  /** One is under way that somebody wants. */
  get isRunning(): boolean {
    return this.kind !== undefined;
  }

  /** {@link start} need not wait, nor finish what is left of one that nobody wanted. */
  get isFree(): boolean {
    return this.snapshot === undefined;
  }

  /** Keys that were told, and that there were when it began: INFO. */
  get told(): number {
    return this.isRunning ? (this.snapshot?.told ?? 0) : 0;
  }

  get keys(): number {
    return this.isRunning ? (this.snapshot?.keys ?? 0) : 0;
  }

  /** Keys that were told of those there were, from 0 to 1. */
  get progress(): number {
    return this.keys === 0 ? 0 : Math.min(1, this.told / this.keys);
  }

  /**
   * Begins one of the dataset as it is now. `ended` is called when all keys were told, or with false after {@link abandon}. Only while none
   * {@link isRunning}.
   */
  start(kind: SnapshotKind, target: SnapshotTarget, ended: (isWhole: boolean) => void): void {
    if (this.isRunning) throw new Error("a snapshot is under way");
    // What is left of one that nobody wanted any more is only marked.
    this.snapshot?.run(Number.POSITIVE_INFINITY);
    this.snapshot = new Snapshot(this.server.keyspace, target);
    this.kind = kind;
    this.ended = ended;
    this.began = performance.now();
    this.schedule();
  }

  /** Calls `begin` as soon as {@link start} need not wait for what is left of one that nobody wanted: mostly at once. */
  whenFree(begin: () => void): void {
    if (this.snapshot === undefined) begin();
    else this.waiting.push(begin);
  }

  /** All of it now, while everybody waits. The target is never full then. */
  finish(): void {
    this.snapshot?.run(Number.POSITIVE_INFINITY);
    this.settle();
  }

  /** Nobody wants the one under way any more. */
  abandon(): void {
    const { ended } = this;
    this.ended = this.kind = undefined;
    this.snapshot?.abandon();
    ended?.(false);
  }

  stop(): void {
    clearTimeout(this.timer);
    clearImmediate(this.immediate);
    this.timer = this.immediate = undefined;
  }

  private schedule(waits = false): void {
    if (this.timer !== undefined || this.immediate !== undefined) return;
    if (waits) this.timer = setTimeout(this.slice, PATIENCE).unref();
    // Node's loop would sleep in spite of one that it need not wait for.
    else this.immediate = setImmediate(this.slice);
  }

  private readonly slice = (): void => {
    this.timer = this.immediate = undefined;
    const { snapshot } = this;
    if (snapshot === undefined) return;
    const now = performance.now();
    const most = this.most(now);
    if (this.server.processed === this.processed || now - this.ran >= BETWEEN) {
      snapshot.run(now + SLICE, most);
      this.ran = performance.now();
      this.processed = this.server.processed;
    }
    this.settle();
    if (this.snapshot !== undefined)
      this.schedule(this.snapshot === snapshot && (snapshot.isWaiting || snapshot.told >= most));
  };

  /** Keys that may have been told by now: rdb-key-save-delay says how many microseconds each takes. */
  private most(now: number): number {
    const { rdbKeySaveDelay } = this.server.config;
    if (rdbKeySaveDelay <= 0 || !this.isRunning) return Number.POSITIVE_INFINITY;
    return ((now - this.began) * 1000) / rdbKeySaveDelay;
  }

  private settle(): void {
    if (this.snapshot === undefined || !this.snapshot.isOver) return;
    const { ended } = this;
    this.snapshot = this.ended = this.kind = undefined;
    ended?.(true);
    for (const begin of this.waiting.splice(0)) begin();
  }
}
