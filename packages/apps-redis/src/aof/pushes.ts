/** Bytes into the arena and on their way to a queue of storage, a bounded number at a time. Some memory is kept, so that an arena that is full of replies which wait for the disk does not stop the disk. */
import { type LibOS, PushFlag, type QueueDescriptor, type Sga } from "@demikernel/core";
import { copyBytes, withWords } from "../memory/bytes.js";

const SMALL_PIECE = 64 * 1024;
const LARGE_PIECE = 1024 * 1024;
/** Bytes on their way. */
const MOST_UNDER_WAY = 2 * 1024 * 1024;

/** What goes with the bytes in one push: a byte before, and bytes behind the last of them. */
interface Frame {
  head?: number;
  tail?: Uint8Array;
}

export class Pushes {
  underWay = 0;
  private reserve: Sga;

  /** Throws ENOBUFS. */
  constructor(private readonly os: LibOS) {
    this.reserve = os.alloc(SMALL_PIECE);
  }

  /** Pushes a prefix, within its frame; returns how many bytes of `bytes` that are, 0 while there is no memory. */
  push(qd: QueueDescriptor, bytes: Uint8Array, at: number, length: number, { head = -1, tail }: Frame = {}): number {
    if (this.underWay >= MOST_UNDER_WAY) return 0;
    const before = head < 0 ? 0 : 1;
    const after = tail?.length ?? 0;
    let some = Math.min(length, LARGE_PIECE - before);
    const total = (): number => before + some + (some === length ? after : 0);
    let sga = this.alloc(total());
    if (sga === 0 && total() > SMALL_PIECE) {
      some = SMALL_PIECE - before;
      sga = this.alloc(total());
    }
    if (sga === 0) {
      if (total() > SMALL_PIECE) some = SMALL_PIECE - before;
      sga = this.takeReserve(total());
      if (sga === 0) return 0;
    }
    const { os } = this;
    const view = withWords(os.sga.view(sga));
    const to = os.sga.offset(sga);
    if (head >= 0) view[to] = head;
    copyBytes(bytes, at, some, view, to + before);
    if (tail !== undefined && some === length) view.set(tail, to + before + some);
    this.underWay += total();
    os.push(qd, sga, PushFlag.FREE);
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
