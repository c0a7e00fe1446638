/** Where an append-only file's bytes are: files of the machine, or a log of a storage engine. */
import type { QueueDescriptor } from "@demikernel/core";
import type { ByteSink } from "../rdb/file-writer.js";

/** A new base that is being written, from the moment at which it was begun. */
export interface Base {
  /** The dataset as an RDB file has it. */
  readonly sink: ByteSink;
  /** All of it was written: `ended` is called when it has taken the old one's place, or with why it could not. */
  commit(ended: (error: Error | undefined) => void): void;
  /** It is not wanted any more: the old one stays, and all that was appended since. */
  abandon(): void;
}

export interface AofStore {
  /** A push that has ended is on the disk. */
  readonly isDurable: boolean;
  /** Pushes that may be on their way when another batch is appended. */
  readonly depth: number;
  /** Without one nothing of it can be loaded. */
  readonly hasBase: boolean;
  /** Bytes of the base, and of all that is behind it. */
  readonly baseBytes: number;
  readonly appendedBytes: number;

  owns(qd: QueueDescriptor): boolean;
  /** Appends what it can take now of these bytes, which are the caller's again; returns how many. 0 while there is no memory, or until a push has ended. */
  append(bytes: Uint8Array, at: number, length: number): number;
  /** A push of {@link owns} has ended, maybe with a negative errno: how many bytes of append() that were. */
  ended(qd: QueueDescriptor, result: number): number;
  /** Whether {@link cutBack} can be called now. */
  readonly canCutBack: boolean;
  /** Only while nothing is on its way: what was appended and has not ended well is there no more. Throws a DemiError. */
  cutBack(): void;
  /** From here on a push that has ended is on the disk, or need not be. */
  setDurable(isDurable: boolean): void;
  /** What was appended so far is on the disk when `done` is called. */
  sync(done: (error: Error | undefined) => void): void;
  /** All that was appended before belongs to the old base, what is appended from here on to the new one as well. Throws a DemiError or a system error. */
  beginBase(): Base;
  /** Pushes must have ended. */
  close(): void;
}
