/** A base that is written as records of a log, between what is appended meanwhile. */
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
    private readonly push: (record: Uint8Array, ended: () => void) => boolean,
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
    return this.push(this.record(Record.BEGIN), () => {});
  }

  private write(bytes: Uint8Array, at: number, length: number): void {
    for (let from = 0; from < length; from += PIECE)
      this.add(this.record(Record.BASE, bytes.subarray(at + from, at + Math.min(from + PIECE, length))));
    this.written += length;
  }

  commit(ended: (error: Error | undefined) => void): void {
    this.ended = ended;
    this.add(this.record(Record.END));
  }

  abandon(): void {
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
      if (!this.push(first, () => this.hasEnded(first))) return this.later();
      this.waiting.shift();
      this.waitingBytes -= first.length;
      this.underWay += first.length;
    }
  }

  private later(): void {
    // Else what is on its way goes on with it.
    if (this.underWay === 0) setTimeout(() => this.goOn(), 1).unref();
  }

  private hasEnded(record: Buffer): void {
    this.underWay -= record.length;
    if (this.isAbandoned) return;
    if (record[0] !== Record.END) return this.goOn();
    this.over(true);
    this.ended?.(undefined);
  }
}
