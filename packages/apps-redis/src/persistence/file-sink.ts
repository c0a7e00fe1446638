/**
 * A file that is written beside commands by Node's threads, under another name until it is whole: whoever looks for it finds the old one, or all
 * of the new one. What waits is bounded: who writes on although it is full waits for the disk.
 */
import { closeSync, fsync, fsyncSync, openSync, renameSync, unlinkSync, write, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { ByteSink } from "../rdb/file-writer.js";

/** Bytes that wait: from here on it is full, and beyond this they are written at once. */
const FULL = 4 * 1024 * 1024;
const MOST = 64 * 1024 * 1024;
/** Bytes after which the disk is told to write: all of a large file at its end would take it from everybody else. */
const SYNCED = 4 * 1024 * 1024;

export class FileSink implements ByteSink {
  private readonly fd: number;
  private readonly waiting: Buffer[] = [];
  private pending = 0;
  private unsynced = 0;
  private isBusy = false;
  private isClosed = false;
  private ended: ((error: NodeJS.ErrnoException | undefined) => void) | undefined;
  /** Why nothing more is written. */
  error: NodeJS.ErrnoException | undefined;
  /** Bytes of the file that are with the system. */
  written = 0;

  /** Throws what open() does. `temporary`: the name while it is written, in the folder of `path`. */
  constructor(
    private readonly path: string,
    private readonly temporary: string,
  ) {
    this.fd = openSync(temporary, "w", 0o644);
  }

  get isFull(): boolean {
    return this.pending >= FULL;
  }

  write(bytes: Uint8Array, at: number, length: number): void {
    if (this.error !== undefined) return;
    this.waiting.push(Buffer.from(bytes.subarray(at, at + length)));
    this.pending += length;
    if (this.pending > MOST && !this.isBusy) this.drain();
    else this.goOn();
  }

  /** Nothing more comes: `ended` is called when the file is on the disk under its name, or with why it is not; then nothing is left of it. */
  end(ended: (error: NodeJS.ErrnoException | undefined) => void): void {
    this.ended = ended;
    this.goOn();
  }

  /** As end(), while everybody waits; throws why it is not there. Only if nothing was written before but by this call's caller, or all is drained. */
  endNow(): void {
    this.drain();
    if (this.error === undefined) this.attempt(() => this.settle());
    if (this.error === undefined) return;
    this.remove();
    throw this.error;
  }

  /** It is not wanted any more. */
  abandon(): void {
    this.error ??= Object.assign(new Error("abandoned"), { code: "ECANCELED" });
    this.waiting.length = this.pending = 0;
    if (!this.isBusy) this.remove();
  }

  private readonly goOn = (): void => {
    if (this.isBusy || this.isClosed) return;
    if (this.error !== undefined) return this.fail();
    const next = this.waiting.shift();
    if (next !== undefined) {
      this.isBusy = true;
      write(this.fd, next, 0, next.length, null, (error, written) => {
        this.isBusy = false;
        this.error ??= error ?? undefined;
        this.pending -= written ?? 0;
        this.written += written ?? 0;
        this.unsynced += written ?? 0;
        if (error === null && written < next.length) this.waiting.unshift(next.subarray(written));
        this.goOn();
      });
    } else if (this.unsynced >= SYNCED || (this.ended !== undefined && this.unsynced > 0)) {
      this.isBusy = true;
      this.unsynced = 0;
      fsync(this.fd, (error) => {
        this.isBusy = false;
        this.error ??= error ?? undefined;
        this.goOn();
      });
    } else if (this.ended !== undefined) {
      this.attempt(() => this.settle());
      if (this.error !== undefined) return this.fail();
      this.ended(undefined);
    }
  };

  private drain(): void {
    this.attempt(() => {
      for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
        for (let at = 0; at < next.length; ) at += writeSync(this.fd, next, at);
        this.pending -= next.length;
        this.written += next.length;
        this.unsynced += next.length;
      }
    });
  }

  /** It gets its name. */
  private settle(): void {
    fsyncSync(this.fd);
    closeSync(this.fd);
    this.isClosed = true;
    renameSync(this.temporary, this.path);
    syncFolder(dirname(this.path));
  }

  private fail(): void {
    this.remove();
    const { ended } = this;
    this.ended = undefined;
    ended?.(this.error);
  }

  private remove(): void {
    if (!this.isClosed) closeSync(this.fd);
    this.isClosed = true;
    try {
      unlinkSync(this.temporary);
    } catch {
      // It has its name already, or somebody else has removed it.
    }
  }

  private attempt(body: () => void): void {
    try {
      body();
    } catch (error) {
      this.error ??= error as NodeJS.ErrnoException;
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
