/** Ziplists, which Redis before 7.0 held small values in: read, never written. Bytes are of whoever sent them. */
import { type Integer, shortened } from "../numbers/integers.js";
import { Element } from "../values/element.js";
import { BadFormat } from "./format.js";
import type { FoundText } from "./packed.js";

const HEAD = 10;
const END = 0xff;
/** The size of the element before in five bytes, not in one. */
const LONG_BACK = 0xfe;
/** Elements where there are more than the head can say. */
const UNKNOWN = 0xffff;

/** The text of an integer. */
const element = new Element();

/** Tells all elements from first to last. Throws {@link BadFormat} where it is none. */
export function readZiplist(bytes: Uint8Array, at: number, size: number, found: FoundText): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, size);
  if (size < HEAD + 1 || view.getUint32(0, true) !== size || view.getUint8(size - 1) !== END)
    throw new BadFormat("not a ziplist");
  const end = size - 1;
  let place = HEAD;
  let last = 0;
  let before = 0;
  let count = 0;
  const need = (length: number) => {
    if (place + length > end) throw new BadFormat("an element beyond the end of a ziplist");
  };
  while (place < end) {
    const begin = place;
    need(1);
    let back = view.getUint8(place++);
    if (back === LONG_BACK) {
      need(4);
      back = view.getUint32(place, true);
      place += 4;
    }
    if (back !== before) throw new BadFormat("a ziplist whose elements do not join");
    need(1);
    const head = view.getUint8(place++);
    if (head < 0xc0) {
      let length = head & 63;
      if (head >= 0x80) {
        need(4);
        length = view.getUint32(place);
        place += 4;
      } else if (head >= 0x40) {
        need(1);
        length = (length << 8) | view.getUint8(place++);
      }
      need(length);
      found(bytes, at + place, length);
      place += length;
    } else {
      const width = widthOf(head);
      need(width);
      element.setInteger(width === 0 ? (head & 15) - 1 : readInteger(view, place, width));
      found(element.bytes, element.at, element.length);
      place += width;
    }
    before = place - begin;
    last = begin;
    count++;
  }
  const said = view.getUint16(8, true);
  if ((said !== UNKNOWN && said !== count) || (count !== 0 && view.getUint32(4, true) !== last))
    throw new BadFormat("a ziplist whose head is wrong");
}

/** Bytes of an integer with this head; 0: it is in the head. */
function widthOf(head: number): number {
  switch (head) {
    case 0xc0:
      return 2;
    case 0xd0:
      return 4;
    case 0xe0:
      return 8;
    case 0xf0:
      return 3;
    case 0xfe:
      return 1;
    default:
      if (head > 0xf0 && head < 0xfe) return 0;
      throw new BadFormat("an unknown element of a ziplist");
  }
}

function readInteger(view: DataView, at: number, width: number): Integer {
  switch (width) {
    case 1:
      return view.getInt8(at);
    case 2:
      return view.getInt16(at, true);
    case 3:
      return view.getUint16(at, true) | (view.getInt8(at + 2) << 16);
    case 4:
      return view.getInt32(at, true);
    default:
      return shortened(view.getBigInt64(at, true));
  }
}
