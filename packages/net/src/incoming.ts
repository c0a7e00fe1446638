/**
 * Where popped bytes go. What an application gets it may keep for as long as it likes, and a slot of the arena it must not: so bytes are copied
 * out once, into memory that the garbage collector owns. Small ones share Node's pool (Buffer.poolSize); larger ones are cut from a block of
 * ours, which lives as long as one of its pieces.
 */
import type { LibOS, Sga } from "@demikernel/core";

const BLOCK_BYTES = 256 * 1024;
/** Larger ones than a half of Node's pool it does not take. */
const SMALL = 2048;
/** So few are copied sooner than a view of them is made. */
const TINY = 128;

let block: Buffer = Buffer.alloc(0);
let used = 0;

/** A Buffer with a copy of what was popped, `length` bytes. The sga is freed. */
export function takeOut(os: LibOS, sga: Sga, length: number): Buffer {
  // Mostly one piece.
  const bytes = os.sga.segments(sga) === 1 ? copyOut(os.sga.view(sga), os.sga.offset(sga), length) : os.sga.copy(sga);
  os.free(sga);
  return bytes;
}

/** A Buffer with a copy of these bytes. */
function copyOut(view: Uint8Array, at: number, length: number): Buffer {
  if (length <= TINY) {
    const tiny = Buffer.allocUnsafe(length);
    for (let i = 0; i < length; i++) tiny[i] = view[at + i];
    return tiny;
  }
  const from = view.subarray(at, at + length);
  if (length <= SMALL) {
    const small = Buffer.allocUnsafe(length);
    small.set(from);
    return small;
  }
  if (length > block.length - used) {
    block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, length));
    used = 0;
  }
  const piece = block.subarray(used, used + length);
  piece.set(from);
  // The next one begins at a word.
  used += (length + 7) & ~7;
  return piece;
}
