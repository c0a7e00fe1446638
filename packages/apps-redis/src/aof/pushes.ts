/** Bytes into the arena and on their way to a queue of storage, a bounded number at a time. Some memory is kept, so that an arena that is full of replies which wait for the disk does not stop the disk. */
import { type LibOS, PushFlag, type QueueDescriptor, type Sga } from "@demikernel/core";
import { copyBytes, withWords } from "../memory/bytes.js";

const SMALL_PIECE = 64 * 1024;
const LARGE_PIECE = 1024 * 1024;
/** Bytes on their way. */
const MOST_UNDER_WAY = 2 * 1024 * 1024;

export class Pushes {
  underWay = 0;
  private reserve: Sga;

  /** Throws ENOBUFS. */
  constructor(private readonly os: LibOS) {
    this.reserve = os.alloc(SMALL_PIECE);
  }

  /** Pushes a prefix, of which `head`, if there is one, is the first byte; returns how many bytes of `bytes` that are. */
  push(qd: QueueDescriptor, bytes: Uint8Array, at: number, length: number, head = -1): number {
    if (this.underWay >= MOST_UNDER_WAY) return 0;
    const extra = head < 0 ? 0 : 1;
    let some = Math.min(length, LARGE_PIECE - extra);
    let sga = this.alloc(some + extra);
    if (sga === 0 && some + extra > SMALL_PIECE) {
      some = SMALL_PIECE - extra;
      sga = this.alloc(some + extra);
    }
    if (sga === 0) {
      some = Math.min(some, SMALL_PIECE - extra);
      sga = this.takeReserve(some + extra);
      if (sga === 0) return 0;
    }
    const { os } = this;
    const view = withWords(os.sga.view(sga));
    const to = os.sga.offset(sga);
    if (head >= 0) view[to] = head;
    copyBytes(bytes, at, some, view, to + extra);
    os.push(qd, sga, PushFlag.FREE);
    this.underWay += some + extra;
    return some;
  }

  /** One of so many bytes has ended: its memory is free. */
  ended(bytes: number): void {
    this.underWay -= bytes;
    if (this.reserve === 0) this.reserve = this.alloc(SMALL_PIECE);
  }

  close(): void {
    if (this.reserve !== 0) this.os.free(this.reserve);
    this.reserve = 0 as Sga;
  }

  private alloc(length: number): Sga {
    try {
      return this.os.alloc(length);
    } catch {
      return 0 as Sga;
    }
  }

  private takeReserve(length: number): Sga {
    const sga = this.reserve;
    this.reserve = 0 as Sga;
    if (sga !== 0) this.os.sga.trim(sga, 0, length);
    return sga;
  }
}
