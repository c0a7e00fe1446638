/**
 * A file that is written beside commands by Node's threads, under another name until it is whole: whoever looks for it finds the old one, or all
 * of the new one. What waits is bounded: who writes on although it is full waits for the disk.
 */
import {
  close,
  closeSync,
  fsync,
  fsyncSync,
  open,
  openSync,
  rename,
  renameSync,
  unlink,
  unlinkSync,
  write,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import type { ByteSink } from "../rdb/file-writer.js";

/** Bytes that wait: from here on it is full, and beyond this they are written at once. */
const FULL = 4 * 1024 * 1024;
const MOST = 64 * 1024 * 1024;
/** Memory that is used again for pieces of a file: new memory for each would be the garbage collector's work. */
const PIECE = 128 * 1024;
const KEPT = 40;
/** Bytes after which the disk is told to write: all of a large file at its end would take it from everybody else. */
const SYNCED = 4 * 1024 * 1024;

export interface FileSinkOptions {
  /** All is written while everybody waits. */
  isNow?: boolean;
  /** The disk is told to write now and then, and not only at the end. */
  syncsOften?: boolean;
  /** Told once, when it cannot be written: there is nothing left of it then. */
  onError?: (error: NodeJS.ErrnoException) => void;
}

type Failure = NodeJS.ErrnoException | undefined;

/** Bytes, and where in the file they belong: whoever writes them first, and if it is done twice. */
interface Piece {
  bytes: Buffer;
  at: number;
}

export class FileSink implements ByteSink {
  private readonly fd: number;
  private readonly waiting: Piece[] = [];
  private readonly free: Buffer[] = [];
  private pending = 0;
  private unsynced = 0;
  private length = 0;
  /** One of Node's threads has the file. */
  private isBusy = false;
  private isOver = false;
  private isRemoved = false;
  private ended: ((error: Failure) => void) | undefined;
  /** Why nothing more is written. */
  error: Failure;
  /** Bytes of the file that are with the system. */
  written = 0;

  /** Throws what open() does. `temporary`: the name while it is written, in the folder of `path`; without one nobody looks for it before its end. */
  constructor(
    private readonly path: string,
    private readonly temporary = path,
    private readonly options: FileSinkOptions = {},
  ) {
    this.fd = openSync(temporary, "w", 0o644);
  }

  get isFull(): boolean {
    return this.pending >= FULL;
  }

  write(bytes: Uint8Array, at: number, length: number): void {
    if (this.error !== undefined || length === 0) return;
    const room = length > PIECE ? Buffer.allocUnsafeSlow(length) : (this.free.pop() ?? Buffer.allocUnsafeSlow(PIECE));
    room.set(bytes.subarray(at, at + length), 0);
    this.waiting.push({ bytes: room.subarray(0, length), at: this.length });
    this.length += length;
    this.pending += length;
    if (this.options.isNow === true || this.pending > MOST) this.drain();
    if (this.options.isNow !== true) this.goOn();
  }

  /** Nothing more comes: `ended` is called when the file is on the disk under its name, or with why it is not; then nothing is left of it. */
  end(ended: (error: Failure) => void): void {
    this.ended = ended;
    this.goOn();
  }

  /** As end(), while everybody waits; throws why it is not there. Of one that {@link FileSinkOptions.isNow}. */
  endNow(): void {
    this.drain();
    this.attempt(() => {
      fsyncSync(this.fd);
      renameSync(this.temporary, this.path);
      syncFolder(dirname(this.path));
    });
    this.isOver = true;
    closeSync(this.fd);
    if (this.error === undefined) return;
    this.removeNow();
    throw this.error;
  }

  /** It is not wanted any more: nothing is left of it. */
  abandon(): void {
    if (this.isOver) return;
    this.ended = undefined;
    // At once: the next one may have the same name by the time no thread has this one any more.
    this.removeNow();
    this.isRemoved = true;
    this.fail(Object.assign(new Error("abandoned"), { code: "ECANCELED" }), true);
  }

  /** Gives one of Node's threads what is to be done next. */
  private goOn(): void {
    if (this.isBusy || this.isOver) return;
    if (this.error !== undefined) return this.leave();
    const next = this.waiting.shift();
    if (next !== undefined) {
      this.isBusy = true;
      write(this.fd, next.bytes, 0, next.bytes.length, next.at, (error, written) => {
        if (error === null) this.wrote(next, written);
        this.done(error);
      });
    } else if (this.ended !== undefined) {
      this.settle();
    } else if (this.unsynced >= SYNCED && this.options.syncsOften !== false) {
      this.isBusy = true;
      this.unsynced = 0;
      fsync(this.fd, this.done);
    }
  }

  private readonly done = (error: Failure | null): void => {
    this.isBusy = false;
    if (error !== null && error !== undefined) this.fail(error);
    this.goOn();
  };

  private wrote({ bytes, at }: Piece, written: number): void {
    if (this.error !== undefined) return;
    this.pending -= written;
    this.written += written;
    this.unsynced += written;
    if (written < bytes.length) this.waiting.unshift({ bytes: bytes.subarray(written), at: at + written });
    else if (bytes.buffer.byteLength === PIECE && this.free.length < KEPT)
      this.free.push(Buffer.from(bytes.buffer as ArrayBuffer));
  }

  /** It goes to the disk, and gets its name: step by step, as each may take long. */
  private settle(): void {
    const steps: ((done: (error: Failure | null) => void) => void)[] = [
      (done) => fsync(this.fd, done),
      (done) => rename(this.temporary, this.path, done),
      (done) => syncFolderLater(dirname(this.path), done),
    ];
    this.isBusy = true;
    const next = (error: Failure | null): void => {
      if (error !== null && error !== undefined) return this.done(error);
      if (this.error !== undefined) return this.done(null);
      const step = steps.shift();
      if (step !== undefined) return step(next);
      this.isBusy = false;
      this.isOver = true;
      close(this.fd, () => {});
      this.ended?.(undefined);
    };
    next(null);
  }

  private drain(): void {
    this.attempt(() => {
      for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
        let at = 0;
        while (at < next.bytes.length) at += writeSync(this.fd, next.bytes, at, next.bytes.length - at, next.at + at);
        this.wrote(next, next.bytes.length);
        if (this.options.isNow !== true || this.options.syncsOften === false || this.unsynced < SYNCED) continue;
        this.unsynced = 0;
        fsyncSync(this.fd);
      }
    });
  }

  private fail(error: NodeJS.ErrnoException, isWanted = false): void {
    if (this.error !== undefined) return;
    this.error = error;
    this.waiting.length = this.pending = 0;
    const { ended } = this;
    this.ended = undefined;
    if (this.options.isNow !== true && !this.isBusy) this.leave();
    if (isWanted) return;
    ended?.(error);
    this.options.onError?.(error);
  }

  /** It is closed when no thread has it any more: another file could have its number while one still writes. */
  private leave(): void {
    this.isOver = true;
    close(this.fd, () => this.isRemoved || unlink(this.temporary, () => {}));
  }

  private removeNow(): void {
    try {
      unlinkSync(this.temporary);
    } catch {
      // It has its name already, or somebody else has removed it.
    }
  }

  private attempt(body: () => void): void {
    if (this.error !== undefined) return;
    try {
      body();
    } catch (error) {
      this.fail(error as NodeJS.ErrnoException);
    }
  }
}

/** What was made, renamed or removed in a folder is so after a crash, too. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function syncFolderLater(folder: string, done: (error: Failure | null) => void): void {
  open(folder, "r", (error, fd) => {
    if (error !== null) return done(error);
    fsync(fd, (failed) => close(fd, () => done(failed)));
  });
}
