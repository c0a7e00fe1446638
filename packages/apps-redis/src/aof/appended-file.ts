/** A file that becomes longer with what is appended: where nobody waits for the disk. */
import type { LibOS, QueueDescriptor } from "@demikernel/core";
import type { Increment } from "./increment.js";
import type { AofFile } from "./manifest.js";
import type { Pushes } from "./pushes.js";

export class AppendedFile implements Increment {
  private readonly qd: QueueDescriptor;
  /** Pushes that have not ended, in bytes. */
  private readonly pending: number[] = [];
  private hasFailed = false;

  /** Throws a DemiError. `size`: bytes that it has. */
  constructor(
    private readonly os: LibOS,
    private readonly pushes: Pushes,
    path: string,
    readonly file: AofFile,
    public size: number,
  ) {
    this.qd = os.open(path, "a");
  }

  get isIdle(): boolean {
    return this.pending.length === 0;
  }

  owns(qd: QueueDescriptor): boolean {
    return qd === this.qd;
  }

  append(bytes: Uint8Array, at: number, length: number): number {
    const some = this.pushes.push(this.qd, bytes, at, length);
    if (some !== 0) this.pending.push(some);
    return some;
  }

  ended(_qd: QueueDescriptor, result: number): number {
    const bytes = this.pending.shift() as number;
    this.pushes.ended(bytes);
    if (result < 0) this.hasFailed = true;
    if (!this.hasFailed) this.size += bytes;
    return bytes;
  }

  cutBack(): void {
    this.os.truncate(this.qd, this.size);
    this.hasFailed = false;
  }

  close(): void {
    this.os.close(this.qd);
  }
}
