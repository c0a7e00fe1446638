/** A base that is written as records of a log, between what is appended meanwhile. */
import { DemiError, errorName } from "@demikernel/core";
import type { ByteSink } from "../rdb/file-writer.js";
import { NUMBER_BYTES, Record } from "./log-record.js";
import type { Base } from "./store.js";

/** Bytes that wait in memory until the log takes them: then it is full. */
const FULL = 4 * 1024 * 1024;
/** Of one record, and on their way: what commands append is not to wait behind much of it. */
const PIECE = 32 * 1024;
const MOST_UNDER_WAY = 8 * PIECE;

export class LogBase implements Base {
  /** Bytes of the RDB file. */
  written = 0;
  private readonly waiting: Buffer[] = [];
  private waitingBytes = 0;
  private underWay = 0;
  private isAbandoned = false;
  private ended: ((error: Error | undefined) => void) | undefined;
  readonly sink: ByteSink;

  /** `push`: false if it cannot now; `over` is called once, at the end. */
  constructor(
    private readonly number: number,
    private readonly push: (record: Uint8Array, ended: (result: number) => void) => boolean,
    private readonly over: (isWhole: boolean) => void,
  ) {
    const isFull = (): boolean => this.waitingBytes >= FULL;
    this.sink = {
      write: (bytes, at, length) => this.write(bytes, at, length),
      get isFull() {
        return isFull();
      },
    };
  }

  /** At once, or not at all: what is appended behind is on top of it. */
  begin(): boolean {
    const record = this.record(Record.BEGIN);
    return this.push(record, (result) => this.hasEnded(record, result));
  }

  private write(bytes: Uint8Array, at: number, length: number): void {
    for (let from = 0; from < length; from += PIECE)
      this.add(this.record(Record.BASE, bytes.subarray(at + from, at + Math.min(from + PIECE, length))));
    this.written += length;
  }

  commit(ended: (error: Error | undefined) => void): void {
    if (this.isAbandoned) return ended(this.error);
    this.ended = ended;
    this.add(this.record(Record.END));
  }

  /** The old base stays. Who writes this one learns of it at the end. */
  private failed(error: DemiError): void {
    this.abandon();
    this.error = error;
    this.ended?.(error);
  }
  private error: DemiError | undefined;

  abandon(): void {
    if (this.isAbandoned) return;
    this.isAbandoned = true;
    this.waiting.length = this.waitingBytes = 0;
    this.over(false);
  }

  private record(kind: number, bytes?: Uint8Array): Buffer {
    const record = Buffer.allocUnsafeSlow(1 + NUMBER_BYTES + (bytes?.length ?? 0));
    record[0] = kind;
    record.writeUInt32LE(this.number, 1);
    if (bytes !== undefined) record.set(bytes, 1 + NUMBER_BYTES);
    return record;
  }

  private add(record: Buffer): void {
    if (this.isAbandoned) return;
    this.waiting.push(record);
    this.waitingBytes += record.length;
    this.goOn();
  }

  /** Also from time to time: the log may have had no memory when nothing of this was on its way. */
  goOn(): void {
    while (this.waiting.length !== 0 && this.underWay < MOST_UNDER_WAY) {
      const [first] = this.waiting;
      if (!this.push(first, (result) => this.hasEnded(first, result))) return this.later();
      this.waiting.shift();
      this.waitingBytes -= first.length;
      this.underWay += first.length;
    }
  }

  private later(): void {
    // Else what is on its way goes on with it.
    if (this.underWay === 0) setTimeout(() => this.goOn(), 1).unref();
  }

  private hasEnded(record: Buffer, result: number): void {
    if (record[0] !== Record.BEGIN) this.underWay -= record.length;
    if (this.isAbandoned) return;
    if (result < 0) return this.failed(new DemiError(errorName(result) as never, "push", "the base cannot be written"));
    if (record[0] !== Record.END) return this.goOn();
    this.over(true);
    this.ended?.(undefined);
  }
}
