/**
 * Lines that fill a file ahead of what is written: to write where something is already costs a flush, to make a file longer costs a commit of the file
 * system's journal, too. They are annotations ("#..."), which redis-server and redis-check-aof pass over, of 64 bytes each, where they belong: whatever
 * is written ends with one that fills its last 64 bytes. What they say is known to nobody but who reads the file, so no value looks like them.
 */
import { randomBytes } from "node:crypto";
import type { FileHandle } from "node:fs/promises";

export const BLOCK = 64;
const HEAD = "#filled-ahead ";
const NONCE = /^[0-9a-f]{32}$/;
const READ = 1024 * 1024;
/** The shortest line that is an annotation: its mark and its end. */
const SHORTEST = 2;
const HASH = 35;
const LF = 10;

const line = (text: string): Buffer => Buffer.from(`${text.padEnd(BLOCK - 1, "-")}\n`, "latin1");

/** What a new file begins with: it says how the others look. */
export function newHead(): Buffer {
  return line(`${HEAD}${randomBytes(16).toString("hex")} `);
}

/** The line that fills a file with this head; undefined: it is none. */
export function fillerOf(head: Buffer): Buffer | undefined {
  const nonce = head.toString("latin1", HEAD.length, HEAD.length + 32);
  if (head.length !== BLOCK || !NONCE.test(nonce) || !head.equals(line(`${HEAD}${nonce} `))) return undefined;
  return line(`#${nonce} `);
}

/** A line that makes what ends at `position` end with a block. */
export function padding(position: number): Buffer {
  let length = (BLOCK - (position % BLOCK)) % BLOCK;
  if (length === 0) return NONE;
  if (length < SHORTEST) length += BLOCK;
  const bytes = Buffer.alloc(length, "-");
  bytes[0] = HASH;
  bytes[length - 1] = LF;
  return bytes;
}
const NONE = Buffer.alloc(0);

/** Where what was written to a file ends: at the first line that still fills it, else at the end. */
export async function writtenEnd(file: FileHandle): Promise<number> {
  const { size } = await file.stat();
  const bytes = Buffer.allocUnsafeSlow(READ);
  const { bytesRead } = await file.read(bytes, 0, BLOCK, 0);
  const filler = bytesRead === BLOCK ? fillerOf(bytes.subarray(0, BLOCK)) : undefined;
  if (filler === undefined) return size;
  for (let at = 0; at < size; at += READ) {
    const { bytesRead: some } = await file.read(bytes, 0, READ, at);
    for (let i = 0; i + BLOCK <= some; i += BLOCK)
      if (bytes[i] === HASH && filler.compare(bytes, i, i + BLOCK) === 0) return at + i;
  }
  return size;
}
