/** Reads what RDB values are made of from bytes of whoever sent them: what is not right, or not all there, throws {@link BadFormat}. */
import { lzfDecompress } from "../encodings/lzf.js";
import { BadFormat, Encoded, Length, WIDE_32, WIDE_64 } from "./format.js";

/** Three bytes of LZF give at most so many: who promises more than that lies, and is given no memory. */
const MOST_OF_THREE = 264;

export class RdbReader {
  private readonly view: DataView;
  /** The string that was read last: where it lies, until the next is read. */
  bytes: Uint8Array;
  at = 0;
  length = 0;

  constructor(
    private readonly source: Uint8Array,
    private position: number,
    private readonly end: number,
  ) {
    this.view = new DataView(source.buffer, source.byteOffset, source.byteLength);
    this.bytes = source;
  }

  byte(): number {
    return this.source[this.take(1)];
  }

  /** Bytes that are still there. */
  get left(): number {
    return this.end - this.position;
  }

  /** A length. */
  size(): number {
    const value = this.bigSize();
    if (value > Number.MAX_SAFE_INTEGER) throw new BadFormat("a length beyond all memory");
    return Number(value);
  }

  /** How many elements follow, of at least one byte each. */
  count(): number {
    const count = this.size();
    if (count === 0 || count > this.left) throw new BadFormat("an empty value, or more elements than bytes");
    return count;
  }

  bigSize(): number | bigint {
    const size = this.sizeOrEncoding();
    if (size < 0) throw new BadFormat("an encoded string where a length has to be");
    return size;
  }

  /** The next string: {@link bytes}, {@link at} and {@link length} name it. */
  string(): void {
    const size = this.sizeOrEncoding();
    if (size >= 0) {
      if (size > this.left) throw new BadFormat("a string longer than what there is");
      this.length = Number(size);
      this.at = this.take(this.length);
      this.bytes = this.source;
      return;
    }
    switch (-1 - Number(size)) {
      case Encoded.INT8:
        return this.integer(this.view.getInt8(this.take(1)));
      case Encoded.INT16:
        return this.integer(this.view.getInt16(this.take(2), true));
      case Encoded.INT32:
        return this.integer(this.view.getInt32(this.take(4), true));
      case Encoded.LZF:
        return this.compressed();
      default:
        throw new BadFormat("an unknown form of a string");
    }
  }

  /** The next string as latin1 text. */
  text(): string {
    this.string();
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset + this.at, this.length).toString("latin1");
  }

  double(): number {
    return this.view.getFloat64(this.take(8), true);
  }

  /** 32 bits, the lowest first. */
  int32(): number {
    return this.view.getInt32(this.take(4), true);
  }

  /** 64 bits, the lowest first. */
  int64(): bigint {
    return this.view.getBigInt64(this.take(8), true);
  }

  /** So many bytes, as they are, as the last string. */
  raw(length: number): void {
    this.at = this.take(length);
    this.length = length;
    this.bytes = this.source;
  }

  /** A length; of a string in another form -1 - which. */
  private sizeOrEncoding(): number | bigint {
    const first = this.byte();
    switch (first >>> 6) {
      case Length.BITS_6:
        return first & 63;
      case Length.BITS_14:
        return ((first & 63) << 8) | this.byte();
      case Length.ENCODED:
        return -1 - (first & 63);
      default:
        if (first === WIDE_32) return this.view.getUint32(this.take(4));
        if (first === WIDE_64) return this.view.getBigUint64(this.take(8));
        throw new BadFormat("an unknown form of a length");
    }
  }

  private integer(value: number): void {
    this.bytes = Buffer.from(String(value), "latin1");
    this.at = 0;
    this.length = this.bytes.length;
  }

  private compressed(): void {
    const size = this.size();
    const length = this.size();
    if (size > this.left || length > size * MOST_OF_THREE || length === 0)
      throw new BadFormat("a compressed string that cannot be");
    const from = this.take(size);
    const bytes = Buffer.allocUnsafeSlow(length);
    if (!lzfDecompress(this.source, from, size, bytes, 0, length)) throw new BadFormat("not compressed by LZF");
    this.bytes = bytes;
    this.at = 0;
    this.length = length;
  }

  /** The place of the next `length` bytes, which are passed. */
  private take(length: number): number {
    const at = this.position;
    if (length > this.end - at) throw new BadFormat("it ends too early");
    this.position = at + length;
    return at;
  }
}
