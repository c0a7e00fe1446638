/**
 * The append-only file: every change of the dataset, as commands, appended to a queue of storage. What the commands of a batch have changed goes
 * down together, while the next batch runs: with `appendfsync always` their replies wait for it (group commit), in one wait with the network.
 */
import { DemiError, errorName, type QueueDescriptor } from "@demikernel/core";
import { copyBytes, withWords } from "../memory/bytes.js";
import type { Follower } from "../propagation/propagation.js";
import { encode } from "../protocol/encode.js";
import type { Server } from "../server/server.js";
import { Pace } from "./pace.js";
import type { AofStore } from "./store.js";

const LEAST = 64 * 1024;
/** Memory beyond this is not kept. */
const KEPT = 4 * 1024 * 1024;
/** Milliseconds between synchronizations with appendfsync everysec. */
const SECOND = 1000;

export class Aof implements Follower {
  /** Positions count bytes since the start: of what was told, of what the store has taken, of what is on the disk (or, without `always`, with the system). */
  private told = 0;
  private taken = 0;
  private done = 0;
  /** What was told and is not done, from `first` on, of which from `next` on nothing was taken. */
  private buffer = withWords(Buffer.allocUnsafeSlow(LEAST));
  private first = 0;
  private next = 0;
  private end = 0;
  /** Bytes on their way; after a failure more than was taken and is not done. */
  private flying = 0;
  private readonly pace: Pace;
  /** Something could not be written, and what is behind it is not, either, until it has been tried again. */
  isFailing = false;
  private db = -1;
  private second = 0;
  private unsynced = false;
  private isSyncing = false;
  private syncedAt = 0;
  private isScheduled = false;
  /** Why the last write or synchronization failed. */
  error: string | undefined;
  /** Synchronizations that took longer than a second, as INFO tells them. */
  delayedSyncs = 0;
  private store: AofStore | undefined;
  /** Base and increments when there was a new base last, or at the start. */
  bytesAfterRewrite = 0;

  constructor(private readonly server: Server) {
    this.pace = new Pace(server.clock);
    server.cron.tasks.push(() => this.tick());
  }

  get isOn(): boolean {
    return this.store !== undefined;
  }

  get bufferedBytes(): number {
    return this.end - this.first;
  }

  get isSyncPending(): boolean {
    return this.isSyncing;
  }

  /** Nothing is on its way. */
  get isIdle(): boolean {
    return this.done === this.told;
  }

  get current(): AofStore | undefined {
    return this.store;
  }

  /** From here on every change goes there. */
  begin(store: AofStore): void {
    this.store = store;
    this.db = -1;
    this.server.propagation.follow(this);
  }

  /** There is no base yet: what is appended is of no use without one. */
  get lacksBase(): boolean {
    return this.store !== undefined && !this.store.hasBase;
  }

  /** It has grown when it is larger than now. */
  countFromHere(): void {
    const { store } = this;
    if (store !== undefined) this.bytesAfterRewrite = store.baseBytes + store.appendedBytes;
  }

  /** What is appended from here on begins a file: the database is said again. */
  beginsAnew(): void {
    this.db = -1;
  }

  /** appendfsync has changed. */
  setDurable(isDurable: boolean): void {
    this.store?.setDurable(isDurable);
  }

  /** Everything told is with the system, and synchronized but for `appendfsync no`, when `done` is called. */
  drain(done: (error: Error | undefined) => void): void {
    const { store } = this;
    if (store === undefined) return done(undefined);
    if (this.server.failure !== undefined) return done(this.server.failure);
    if (!this.isFailing) this.push();
    if (!this.isIdle && this.error !== undefined) {
      done(new Error(this.error));
    } else if (!this.isIdle) {
      setImmediate(() => this.drain(done));
    } else if (this.server.config.appendfsync === "no") {
      done(undefined);
    } else {
      store.sync(done);
    }
  }

  /** The server ends: what is there stays. */
  close(): void {
    this.store?.close();
    this.store = undefined;
  }

  /** From here on nothing is told any more: what was is written, if it can be at once. */
  stop(): void {
    const { store } = this;
    if (store === undefined) return;
    this.server.propagation.leave(this);
    this.push();
    this.store = undefined;
    this.first = this.next = this.end = this.flying = 0;
    this.pace.forget();
    this.isFailing = false;
    this.told = this.taken = this.done;
    this.server.gate.open(Number.POSITIVE_INFINITY);
    store.close();
  }

  // ---- told ----------------------------------------------------------------------------------------------------------------

  command(db: number, bytes: Uint8Array, at: number, length: number): void {
    if (this.server.config.aofTimestampEnabled) this.annotate();
    if (db !== this.db) {
      this.db = db;
      const select = Buffer.from(encode(["SELECT", String(db)]));
      this.add(select, 0, select.length);
    }
    this.add(bytes, at, length);
    this.pace.command();
    // Also without `always` a reply waits until the system has it: a server that is killed loses nothing that it acknowledged.
    if (!this.isFailing) this.server.gate.close(this.told);
    if (!this.server.isInBatch) this.writeSoon();
  }

  private writeSoon(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(() => {
      this.isScheduled = false;
      if (!this.server.os.closed) this.write();
    });
  }

  /** The file lacks something: a new base has all of it. */
  lost(): void {
    this.server.rewriting.schedule();
  }

  /** When it was: redis-check-aof cuts a file by that. */
  private annotate(): void {
    const second = Math.floor(this.server.keyspace.now() / 1000);
    if (second <= this.second) return;
    this.second = second;
    const line = Buffer.from(`#TS:${second}\r\n`);
    this.add(line, 0, line.length);
  }

  private add(bytes: Uint8Array, at: number, length: number): void {
    if (this.end + length > this.buffer.length) this.room(length);
    copyBytes(bytes, at, length, this.buffer, this.end);
    this.end += length;
    this.told += length;
  }

  private room(more: number): void {
    const used = this.end - this.first;
    const larger =
      used + more <= this.buffer.length / 2
        ? this.buffer
        : withWords(Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, used + more)));
    this.buffer.copy(larger, 0, this.first, this.end);
    this.buffer = larger;
    this.next -= this.first;
    this.first = 0;
    this.end = used;
  }

  // ---- written -------------------------------------------------------------------------------------------------------------

  /** At the end of a batch: what was told goes down, if it is time; else it goes together with what comes until then. */
  write(): void {
    const { store } = this;
    if (store === undefined || this.end === this.next || this.isFailing) return;
    if (!store.isDurable) {
      if (this.flying === 0) this.push();
    } else if (this.pace.isReady(store.depth)) {
      this.push();
    } else if (this.flying === 0) {
      this.writeSoon();
    }
  }

  /** False: not all of it could be taken now. */
  push(): boolean {
    const { store } = this;
    if (store === undefined) return true;
    while (this.next < this.end) {
      const some = store.append(this.buffer, this.next, this.end - this.next);
      if (some === 0) return false;
      this.next += some;
      this.taken += some;
      this.flying += some;
      this.pace.begun();
    }
    return true;
  }

  owns(qd: QueueDescriptor): boolean {
    return this.store?.owns(qd) ?? false;
  }

  /** A push has ended. */
  onPush(qd: QueueDescriptor, result: number): void {
    const store = this.store as AofStore;
    const bytes = store.ended(qd, result);
    this.flying -= bytes;
    if (bytes !== 0) this.pace.ended();
    // What was written behind what was not is written again.
    if (bytes !== 0 && (result < 0 || this.isFailing)) return this.failed(store, result);
    this.done += bytes;
    this.first += bytes;
    this.unsynced = true;
    if (this.first === this.end) this.emptied();
    if (bytes !== 0 && this.error !== undefined) this.recovered();
    this.server.gate.open(this.done);
    this.write();
  }

  private recovered(): void {
    this.error = undefined;
    this.server.log("the append-only file is written again");
  }

  private emptied(): void {
    this.first = this.next = this.end = 0;
    if (this.buffer.length > KEPT) this.buffer = withWords(Buffer.allocUnsafeSlow(LEAST));
  }

  /**
   * What could not be written is kept, and tried again; commands that write are refused meanwhile. With `appendfsync always` the server ends, as
   * replies wait for it (redis-server does the same): and on a log, of which nothing can be taken back.
   */
  private failed(store: AofStore, result: number): void {
    this.isFailing = true;
    if (result < 0 && this.error === undefined) {
      const error = new DemiError(errorName(result) as never, "push", "the append-only file cannot be written");
      this.error = errorName(result);
      if (this.server.config.appendfsync === "always" || !store.canCutBack) return this.server.fail(error);
      this.server.log(`${error.message}; commands that write are refused`);
      // As redis-server: what was told is kept here, and written when there is room.
      this.server.gate.open(Number.POSITIVE_INFINITY);
    }
  }

  /** After a failure, when nothing is on its way: the file is cut to what is whole, and written on. */
  private retry(store: AofStore): void {
    if (this.flying !== 0) return;
    try {
      store.cutBack();
    } catch (error) {
      this.error = (error as Error).message;
      return;
    }
    this.pace.forget();
    this.taken = this.done;
    this.next = this.first;
    this.isFailing = false;
    this.push();
  }

  private tick(): void {
    const { store } = this;
    if (store === undefined) return;
    if (this.isFailing) return this.retry(store);
    // What could not be taken because there was no memory.
    this.write();
    if (this.server.config.appendfsync !== "everysec" || store.isDurable || !this.unsynced) return;
    const now = this.server.clock();
    if (now - this.syncedAt < SECOND) return;
    if (this.isSyncing) {
      this.delayedSyncs++;
      return;
    }
    this.syncedAt = now;
    this.unsynced = false;
    this.isSyncing = true;
    store.sync((error) => {
      this.isSyncing = false;
      this.error = error?.message;
      if (error !== undefined) this.unsynced = true;
    });
  }
}
