/** Replies what lies in a listpack, element by element: what LRANGE and its like spend their time with. */
import {
  after,
  END,
  headSize,
  isIntegerHead,
  MIDDLE_STRING,
  readInteger,
  SHORT_STRING,
  textSize,
} from "../encodings/listpack-entry.js";
import type { ListpackReader } from "../encodings/listpack-reader.js";
import type { Reply } from "./reply.js";

/** A string of up to so many bytes, and its head of two, say their size in one byte. */
const MOST_BY_ONE = 125;

/** Bulk strings of the elements from `p` on, at most `most`. Returns how many they are. */
export function replyPacked(reply: Reply, pack: ListpackReader, p: number, most: number): number {
  const { bytes } = pack;
  let at = pack.base + p;
  let count = 0;
  for (; count < most; count++) {
    const head = bytes[at];
    if ((head & 0xc0) === SHORT_STRING) {
      const length = head & 0x3f;
      reply.bulk(bytes, at + 1, length);
      at += length + 2;
    } else if ((head & 0xf0) === MIDDLE_STRING) {
      const length = ((head & 0xf) << 8) | bytes[at + 1];
      reply.bulk(bytes, at + 2, length);
      at += length + (length <= MOST_BY_ONE ? 3 : 4);
    } else if (head === END) {
      break;
    } else {
      if (isIntegerHead(head)) reply.digits(readInteger(bytes, at));
      else reply.bulk(bytes, at + headSize(head), textSize(bytes, at));
      at = after(bytes, at);
    }
  }
  return count;
}
