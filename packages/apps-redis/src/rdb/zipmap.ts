/** Zipmaps, which Redis before 2.6 held small hashes in: read, never written. Bytes are of whoever sent them. */
import { BadFormat } from "./format.js";
import type { FoundText } from "./packed.js";

const END = 0xff;
/** A length in the four bytes that follow; also of the count in the head: there are more than it can say. */
const LONG = 0xfe;

/** Tells where fields and values are, in turn. Throws {@link BadFormat} where it is none. */
export function readZipmap(bytes: Uint8Array, at: number, size: number, found: FoundText): void {
  const end = at + size - 1;
  if (size < 2 || bytes[end] !== END) throw new BadFormat("not a zipmap");
  let place = at + 1;
  let count = 0;
  const lengthHere = (): number => {
    let length = bytes[place++];
    if (length >= LONG) {
      if (place + 4 > end) throw new BadFormat("a zipmap that ends too early");
      length = (bytes[place] | (bytes[place + 1] << 8) | (bytes[place + 2] << 16) | (bytes[place + 3] << 24)) >>> 0;
      place += 4;
    }
    return length;
  };
  while (bytes[place] !== END) {
    const field = lengthHere();
    if (place + field >= end) throw new BadFormat("a field beyond the end of a zipmap");
    found(bytes, place, field);
    place += field;
    const value = lengthHere();
    if (place >= end) throw new BadFormat("a value beyond the end of a zipmap");
    const free = bytes[place++];
    if (place + value + free > end) throw new BadFormat("a value beyond the end of a zipmap");
    found(bytes, place, value);
    place += value + free;
    count++;
  }
  if (count === 0 || (bytes[at] !== LONG && bytes[at] !== count)) throw new BadFormat("a zipmap whose head is wrong");
}
