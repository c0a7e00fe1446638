/** The file with which a full synchronization begins: taken from the connection, and written to the disk. */
import { FileSink } from "../persistence/file-sink.js";
import { temporaryFile } from "../persistence/temporary-files.js";
import { Lines } from "./lines.js";

const MARK = 40;

export class FileReception {
  readonly path = temporaryFile();
  /** Bytes of the file that have come, and that will; -1: it ends with a mark. */
  received = 0;
  total = 0;
  isWhole = false;
  private readonly lines = new Lines();
  private isBegun = false;
  private mark: Buffer | undefined;
  /** The last bytes, which may be the mark's. */
  private tail: Buffer = Buffer.alloc(0);
  private sink: FileSink | undefined;

  /** Throws what open() does. */
  constructor() {
    this.sink = new FileSink(this.path);
  }

  /** The disk is behind: no more should come. */
  get isFull(): boolean {
    return this.sink?.isFull === true;
  }

  get error(): Error | undefined {
    return this.sink?.error;
  }

  /** Takes bytes from `at` to `end`; returns where what is behind the file begins. Throws what is wrong. */
  take(bytes: Uint8Array, at: number, end: number): number {
    while (!this.isBegun) {
      const line = this.lines.next(bytes, at, end);
      at = this.lines.position;
      if (line === undefined) return at;
      // The master is there, and makes its snapshot.
      if (line !== "") this.begin(line);
    }
    const from = at;
    if (this.mark !== undefined) at = this.untilMark(bytes, at, end, this.mark);
    else at = this.untilLength(bytes, at, end);
    this.received += at - from;
    return at;
  }

  private begin(line: string): void {
    this.isBegun = true;
    if (/^\$EOF:.{40}$/s.test(line)) {
      this.mark = Buffer.from(line.slice(5), "latin1");
      this.total = -1;
      return;
    }
    const length = /^\$(\d{1,16})$/.exec(line)?.[1];
    if (length === undefined || !Number.isSafeInteger(Number(length)))
      throw new Error(`no file: ${line.slice(0, 100)}`);
    this.total = Number(length);
    this.isWhole = this.total === 0;
  }

  private untilLength(bytes: Uint8Array, at: number, end: number): number {
    const some = Math.min(end - at, this.total - this.received);
    if (some > 0) this.sink?.write(bytes, at, some);
    this.isWhole = this.received + some === this.total;
    return at + some;
  }

  /** The mark is what the master sends last, until it hears from the replica: so it is the end of what has come. */
  private untilMark(bytes: Uint8Array, at: number, end: number, mark: Buffer): number {
    const fresh = bytes.subarray(at, end);
    const last = Buffer.concat([this.tail, fresh.subarray(Math.max(0, fresh.length - MARK))]);
    const kept = last.subarray(Math.max(0, last.length - MARK));
    const all = this.tail.length + fresh.length - kept.length;
    // Of the bytes before, and of the new ones, what can be no mark.
    const old = Math.min(all, this.tail.length);
    if (old > 0) this.sink?.write(this.tail, 0, old);
    if (all > old) this.sink?.write(bytes, at, all - old);
    this.tail = Buffer.from(kept);
    this.isWhole = this.tail.equals(mark);
    return end;
  }

  /** All has come: `ended` is called when it is on the disk, or with why it is not. */
  end(ended: (error: Error | undefined) => void): void {
    const { sink } = this;
    this.sink = undefined;
    sink?.end(ended);
  }

  abandon(): void {
    this.sink?.abandon();
    this.sink = undefined;
  }
}
