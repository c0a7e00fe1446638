/**
 * The append-only file as a log of a storage engine (libos-spdk): every record begins with a byte that says what it is. A base lies between what is
 * appended while it is written; when its end is there, what is before its beginning is given back to the device.
 */
import { DemiError, type LibOS, type QueueDescriptor } from "@demikernel/core";
import { LogBase } from "./log-base.js";
import { Record } from "./log-record.js";
import { Pushes } from "./pushes.js";
import type { AofStore, Base } from "./store.js";

/** A push that is on its way: how many bytes of append() it has, and who else wants to know that it has ended. */
interface Pushed {
  bytes: number;
  appended: number;
  ended?: (result: number) => void;
}

export interface LogPlace {
  /** Of the last base that is whole, and where its beginning is; number 0: there is none. */
  number: number;
  baseBytes: number;
  appendedBytes: number;
}

export class LogStore implements AofStore {
  readonly isDurable = true;
  readonly depth = 2;
  baseBytes: number;
  appendedBytes: number;
  private number: number;
  private isWhole: boolean;
  private readonly qd: QueueDescriptor;
  private readonly pushes: Pushes;
  private readonly pending: Pushed[] = [];

  /** Goes on with the log `name`. Throws a DemiError. */
  constructor(
    private readonly os: LibOS,
    private readonly name: string,
    { appendedBytes, baseBytes, number }: LogPlace,
    private readonly warn: (sentence: string) => void,
    isFresh: boolean,
  ) {
    this.number = number;
    this.isWhole = !isFresh;
    this.baseBytes = baseBytes;
    this.appendedBytes = appendedBytes;
    this.qd = os.open(name, "a+");
    this.pushes = new Pushes(os);
  }

  get hasBase(): boolean {
    return this.isWhole;
  }

  owns(qd: QueueDescriptor): boolean {
    return qd === this.qd;
  }

  append(bytes: Uint8Array, at: number, length: number): number {
    const some = this.pushes.push(this.qd, bytes, at, length, { head: Record.COMMANDS });
    if (some !== 0) this.pending.push({ bytes: some + 1, appended: some });
    return some;
  }

  ended(_qd: QueueDescriptor, result: number): number {
    const { appended, bytes, ended } = this.pending.shift() as Pushed;
    this.pushes.ended(bytes);
    if (result >= 0) this.appendedBytes += appended;
    ended?.(result);
    return appended;
  }

  /** What is in a log stays there. */
  readonly canCutBack = false;
  cutBack(): void {}
  setDurable(): void {}

  sync(done: (error: Error | undefined) => void): void {
    done(undefined);
  }

  close(): void {
    this.os.close(this.qd);
    this.pushes.close();
  }

  // ---- a new base ----------------------------------------------------------------------------------------------------------

  beginBase(): Base {
    // A second queue on the same log: it has nothing under way, so it can be asked where the end is, and what is before can be truncated by it.
    const reader = this.os.open(this.name, "a+");
    const from = this.os.lseek(reader, 0, "end");
    const number = this.number + 1;
    const begun = this.appendedBytes + this.pending.reduce((sum, { appended }) => sum + appended, 0);
    const base = new LogBase(number, this.pushRecord, (isWhole) => {
      if (isWhole) {
        this.isWhole = true;
        this.baseBytes = base.written;
        this.appendedBytes -= begun;
        this.giveBack(reader, from);
      }
      this.os.close(reader);
    });
    if (!base.begin()) {
      this.os.close(reader);
      throw new DemiError("ENOBUFS", "push", "no memory for the beginning of a base");
    }
    this.number = number;
    return base;
  }

  private giveBack(reader: QueueDescriptor, before: number): void {
    try {
      this.os.truncate(reader, before);
    } catch (error) {
      if (!(error instanceof DemiError)) throw error;
      this.warn(`the log ${this.name}: ${error.message}`);
    }
  }

  /** False: not now. Records are short enough to be taken as a whole. */
  private readonly pushRecord = (record: Uint8Array, ended: (result: number) => void): boolean => {
    if (this.pushes.push(this.qd, record, 1, record.length - 1, { head: record[0] }) === 0) return false;
    this.pending.push({ bytes: record.length, appended: 0, ended });
    return true;
  };
}
