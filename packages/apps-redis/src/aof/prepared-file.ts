/**
 * A file for `appendfsync always`: filled ahead ({@link file://./filler.ts}), and written by two queues in turn, so that the disk has the next batch when
 * it is done with one. They are written by one thread, in order: what is on the disk is always all up to somewhere.
 */
import { closeSync, fdatasync, ftruncateSync, openSync, write, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import type { LibOS, QueueDescriptor } from "@demikernel/core";
import { padding } from "./filler.js";
import type { Increment } from "./increment.js";
import type { AofFile } from "./manifest.js";
import type { Pushes } from "./pushes.js";

/** Bytes that a file is filled by at first, and at most; it is when there is less than half as much ahead. */
const FIRST = 256 * 1024;
const MOST = 4 * 1024 * 1024;
/** Both are multiples of it. */
const PIECE = 256 * 1024;

/** Batches on their way. */
const DEPTH = 2;

interface Pushed {
  qd: QueueDescriptor;
  /** Of append(), and with the line that fills the last block. */
  bytes: number;
  written: number;
}

export class PreparedFile implements Increment {
  private readonly free: QueueDescriptor[];
  private readonly queues: readonly QueueDescriptor[];
  private readonly pending: Pushed[] = [];
  /** Where the next goes, up to where it is filled, and while it is being filled on, from where. */
  private position: number;
  private filled: number;
  private fillingFrom = -1;
  private step = FIRST;
  private isClosed = false;
  /** Not by its name: when it is not wanted any more that may be another file's. */
  private readonly fd: number;
  size: number;

  /**
   * A file with a head, of `size` bytes, a multiple of 64, all of which are written. `filler`: the line it is filled with. `ready` is called when more
   * can be taken after append() gave 0 for nothing that is on its way. Throws a DemiError or a system error.
   */
  constructor(
    private readonly os: LibOS,
    private readonly pushes: Pushes,
    path: string,
    readonly file: AofFile,
    size: number,
    private readonly filler: Buffer,
    private readonly ready: () => void,
  ) {
    this.size = this.position = this.filled = size;
    const queues: QueueDescriptor[] = [];
    this.fd = openSync(path, "r+");
    try {
      for (let i = 0; i < DEPTH; i++) queues.push(os.open(path, "r+", { durable: true }));
    } catch (error) {
      for (const qd of queues) os.close(qd);
      closeSync(this.fd);
      throw error;
    }
    this.queues = queues;
    this.free = [...this.queues];
    this.fillAhead();
  }

  get isIdle(): boolean {
    return this.pending.length === 0;
  }

  owns(qd: QueueDescriptor): boolean {
    return this.queues.includes(qd);
  }

  append(bytes: Uint8Array, at: number, length: number): number {
    const qd = this.free[0];
    if (qd === undefined) return 0;
    const tail = padding(this.position + length);
    // What is being filled is not written meanwhile.
    if (this.fillingFrom >= 0 && this.position + length + tail.length > this.fillingFrom) return 0;
    this.os.lseek(qd, this.position);
    const some = this.pushes.push(qd, bytes, at, length, { tail });
    if (some === 0) return 0;
    this.free.shift();
    const written = some === length ? some + tail.length : some;
    this.pending.push({ qd, bytes: some, written });
    this.position += written;
    this.filled = Math.max(this.filled, this.position);
    if (this.filled - this.position < this.step / 2) this.fillAhead();
    return some;
  }

  ended(qd: QueueDescriptor, result: number): number {
    const { bytes, written } = this.pending.shift() as Pushed;
    this.free.push(qd);
    this.pushes.ended(written);
    if (result >= 0) this.size += written;
    return bytes;
  }

  /** Not of this: whoever waits for the disk is not told of what was cut off. */
  cutBack(): void {}

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    for (const qd of this.queues) if (!this.os.closed) this.os.close(qd);
    if (this.fillingFrom < 0) this.leave();
  }

  /** What fills it goes, if it can: else it stays, and whoever loads it passes over it. */
  private leave(): void {
    try {
      ftruncateSync(this.fd, this.size);
    } catch {
      // Nothing of what was written is lost by it.
    } finally {
      closeSync(this.fd);
    }
  }

  private fillAhead(): void {
    if (this.fillingFrom >= 0 || this.isClosed) return;
    const from = this.filled;
    this.fillingFrom = from;
    fill(this.fd, this.filler, from, this.step)
      .then(
        () => {
          this.filled = from + this.step;
          this.step = Math.min(this.step * 4, MOST);
        },
        // Then it becomes longer as it is written: whoever writes is told why that cannot be.
        () => {},
      )
      .finally(() => {
        this.fillingFrom = -1;
        if (this.isClosed) this.leave();
        else this.ready();
      });
  }
}

/** A piece after the other: who writes meanwhile waits for what the file system has of this, too. */
async function fill(fd: number, filler: Buffer, from: number, length: number): Promise<void> {
  const lines = Buffer.allocUnsafeSlow(PIECE).fill(filler);
  for (let piece = 0; piece < length; piece += lines.length) {
    for (let at = 0; at < lines.length; )
      at += (await writeAt(fd, lines, at, lines.length - at, from + piece + at)).bytesWritten;
    await synchronize(fd);
  }
}
const writeAt = promisify(write);
const synchronize = promisify(fdatasync);

/** Makes a file that has nothing but its head; or of one that ends within a block, one that does not. */
export function prepare(path: string, head: Buffer): void {
  writeFileSync(path, head, { flush: true });
}

export function align(path: string, size: number): number {
  const tail = padding(size);
  if (tail.length === 0) return size;
  const fd = openSync(path, "a");
  try {
    writeFileSync(fd, tail, { flush: true });
  } finally {
    closeSync(fd);
  }
  return size + tail.length;
}
