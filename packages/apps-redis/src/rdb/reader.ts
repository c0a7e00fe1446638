/** Reads what RDB values are made of from bytes of whoever sent them: what is not right, or not all there, throws {@link BadFormat}. */
import { constants } from "node:buffer";
import { Crc64 } from "../encodings/crc64.js";
import { lzfDecompress } from "../encodings/lzf.js";
import { BadFormat, EmptyValue, Encoded, Length, WIDE_32, WIDE_64 } from "./format.js";

/** Three bytes of LZF give at most so many: who promises more than that lies, and is given no memory. */
const MOST_OF_THREE = 264;
/** Memory for what is decompressed, beyond this, is not kept from one string to the next. */
const KEPT = 64 * 1024;

export class RdbReader {
  private view: DataView;
  private decompressed: Buffer | undefined;
  /** The string that was read last: where it lies, until the next is read. */
  bytes: Uint8Array;
  at = 0;
  length = 0;

  constructor(
    protected source: Uint8Array,
    protected position: number,
    protected end: number,
  ) {
    this.view = new DataView(source.buffer, source.byteOffset, source.byteLength);
    this.bytes = source;
  }

  byte(): number {
    const at = this.take(1);
    return this.source[at];
  }

  /** Bytes that are still there. */
  get left(): number {
    return this.end - this.position;
  }

  /** Bytes that were read, of a file that is all of the source. */
  get offset(): number {
    return this.position;
  }

  /** The checksum of what was read, of such a file. */
  checksum(): Crc64 {
    return new Crc64().update(this.source, 0, this.position);
  }

  /** Goes on elsewhere: what is left of the source is at its start. */
  protected goOn(source: Uint8Array, end: number): void {
    this.source = source;
    this.position = 0;
    this.end = end;
    this.view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  }

  /** Fewer than these bytes are here. */
  protected more(_length: number): void {
    throw new BadFormat("it ends too early");
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
    if (count === 0) throw new EmptyValue("a value without elements");
    if (count > this.left) throw new BadFormat("more elements than bytes");
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
        return this.integer((this.byte() << 24) >> 24);
      case Encoded.INT16:
        return this.integer(this.int16());
      case Encoded.INT32:
        return this.integer(this.int32());
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
    const at = this.take(8);
    return this.view.getFloat64(at, true);
  }

  /** 32 bits, the lowest first. */
  int32(): number {
    const at = this.take(4);
    return this.view.getInt32(at, true);
  }

  /** 64 bits, the lowest first. */
  int64(): bigint {
    const at = this.take(8);
    return this.view.getBigInt64(at, true);
  }

  private int16(): number {
    const at = this.take(2);
    return this.view.getInt16(at, true);
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
        if (first === WIDE_32) {
          const at = this.take(4);
          return this.view.getUint32(at);
        }
        if (first === WIDE_64) {
          const at = this.take(8);
          return this.view.getBigUint64(at);
        }
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
    if (size > this.left || length > size * MOST_OF_THREE || length > constants.MAX_LENGTH || length === 0)
      throw new BadFormat("a compressed string that cannot be");
    const from = this.take(size);
    const bytes = this.roomFor(length);
    if (!lzfDecompress(this.source, from, size, bytes, 0, length)) throw new BadFormat("not compressed by LZF");
    this.bytes = bytes;
    this.at = 0;
    this.length = length;
  }

  private roomFor(length: number): Buffer {
    if (length > KEPT) return Buffer.allocUnsafeSlow(length);
    this.decompressed ??= Buffer.allocUnsafeSlow(KEPT);
    return this.decompressed;
  }

  /** The place of the next `length` bytes, which are passed. */
  private take(length: number): number {
    if (length > this.end - this.position) this.more(length);
    const at = this.position;
    this.position = at + length;
    return at;
  }
}
