/** Who may have a snapshot, and when it goes on: one at a time, in slices between commands. */
import type { Server } from "../server/server.js";
import { Snapshot, type SnapshotTarget } from "./snapshot.js";

/** Milliseconds of one slice, and between two: commands wait for no longer than a slice. */
const SLICE = 0.5;
const BETWEEN = 1;

export class Snapshots {
  private snapshot: Snapshot | undefined;
  private ended: ((isWhole: boolean) => void) | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly server: Server) {}

  /** One is under way that somebody wants. */
  get isRunning(): boolean {
    return this.ended !== undefined;
  }

  /** Keys that were told of those there were, from 0 to 1. */
  get progress(): number {
    const { snapshot } = this;
    return snapshot === undefined || snapshot.keys === 0 ? 0 : Math.min(1, snapshot.told / snapshot.keys);
  }

  /**
   * Begins one of the dataset as it is now. `ended` is called when all keys were told, or with false after {@link abandon}. Only while none
   * {@link isRunning}.
   */
  start(target: SnapshotTarget, ended: (isWhole: boolean) => void): void {
    if (this.isRunning) throw new Error("a snapshot is under way");
    // What is left of one that nobody wanted any more is only marked.
    this.snapshot?.run(Number.POSITIVE_INFINITY);
    this.snapshot = new Snapshot(this.server.keyspace, target);
    this.ended = ended;
    this.schedule();
  }

  /** All of it now, while everybody waits: SAVE, SHUTDOWN. The target is never full then. */
  finish(): void {
    this.snapshot?.run(Number.POSITIVE_INFINITY);
    this.settle();
  }

  /** Nobody wants the one under way any more. */
  abandon(): void {
    const { ended } = this;
    this.ended = undefined;
    this.snapshot?.abandon();
    ended?.(false);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private schedule(): void {
    this.timer ??= setTimeout(this.slice, BETWEEN).unref();
  }

  private readonly slice = (): void => {
    this.timer = undefined;
    this.snapshot?.run(performance.now() + SLICE);
    this.settle();
    if (this.snapshot !== undefined) this.schedule();
  };

  private settle(): void {
    if (this.snapshot === undefined || !this.snapshot.isOver) return;
    const { ended } = this;
    this.snapshot = this.ended = undefined;
    ended?.(true);
  }
}
