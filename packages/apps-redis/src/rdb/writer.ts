/** Writes what values are made of as RDB has it, one behind the other into memory that grows. */
import { lzfCompress } from "../encodings/lzf.js";
import { copyBytes, withWords } from "../memory/bytes.js";
import { highHalf, type Integer, lowHalf, parseInteger } from "../numbers/integers.js";
import { Encoded, WIDE_32, WIDE_64 } from "./format.js";

const LEAST = 4096;
/** Memory beyond this is not kept from one value to the next. */
const KEPT = 1024 * 1024;
/** Of "-2147483648": a longer text is no integer of 32 bits. */
const LONGEST_INTEGER = 11;
/** Shorter strings are not compressed, and what does not become shorter by this is not either. */
const COMPRESSED_FROM = 21;
const LEAST_SAVED = 4;

/** Bytes that are gathered before they go elsewhere. */
const MUCH = 64 * 1024;
const scratch = withWords(Buffer.allocUnsafeSlow(64 * 1024));

export class RdbWriter {
  bytes = withWords(Buffer.allocUnsafeSlow(LEAST));
  length = 0;

  /** Begins anew. `compresses`: rdbcompression. */
  begin(compresses = true): this {
    this.length = 0;
    this.compresses = compresses;
    if (this.bytes.length > KEPT) this.bytes = withWords(Buffer.allocUnsafeSlow(LEAST));
    return this;
  }
  private compresses = true;

  byte(value: number): void {
    this.room(1);
    this.bytes[this.length++] = value;
  }

  /** What a value begins with; in a file its key stands between that and the value: {@link setKey}. */
  type(type: number): void {
    this.byte(type);
    if (this.keyLength === -1) return;
    const length = this.keyLength;
    this.keyLength = -1;
    this.string(this.keyBytes, this.keyAt, length);
  }

  /** The key of the value that is written next. */
  setKey(bytes: Uint8Array, at: number, length: number): void {
    this.keyBytes = bytes;
    this.keyAt = at;
    this.keyLength = length;
  }
  private keyBytes: Uint8Array = this.bytes;
  private keyAt = 0;
  private keyLength = -1;

  /** A length, or any number from 0 to 2^53 that is not negative. */
  size(value: number): void {
    if (value < 64) return this.byte(value);
    if (value < 16384) {
      this.byte(0x40 | (value >>> 8));
      return this.byte(value);
    }
    this.room(9);
    if (value <= 0xffffffff) {
      this.bytes[this.length] = WIDE_32;
      this.bytes.writeUInt32BE(value, this.length + 1);
      this.length += 5;
    } else {
      this.wide(BigInt(value));
    }
  }

  /** As size(), of all 64 bits. */
  bigSize(value: bigint): void {
    if (value <= Number.MAX_SAFE_INTEGER) this.size(Number(value));
    else this.wide(value);
  }

  private wide(value: bigint): void {
    this.room(9);
    this.bytes[this.length] = WIDE_64;
    this.bytes.writeBigUInt64BE(value, this.length + 1);
    this.length += 9;
  }

  /** A string: as an integer if it is one, compressed if that is shorter. */
  string(from: Uint8Array, at: number, length: number): void {
    if (length <= LONGEST_INTEGER) {
      const value = parseInteger(from, at, length);
      if (typeof value === "number" && this.integer(value)) return;
    }
    if (length >= COMPRESSED_FROM && this.compresses && this.compressed(from, at, length)) return;
    this.size(length);
    this.raw(from, at, length);
  }

  text(text: string): void {
    const bytes = Buffer.from(text, "latin1");
    this.string(bytes, 0, bytes.length);
  }

  /** A string that is compressed already, of `length` bytes. */
  lzf(from: Uint8Array, at: number, compressedLength: number, length: number): void {
    this.byte(0xc0 | Encoded.LZF);
    this.size(compressedLength);
    this.size(length);
    this.raw(from, at, compressedLength);
  }

  double(value: number): void {
    this.room(8);
    this.bytes.writeDoubleLE(value, this.length);
    this.length += 8;
  }

  /** 64 bits, the lowest first. */
  int64(value: Integer): void {
    this.room(8);
    this.bytes.writeInt32LE(lowHalf(value), this.length);
    this.bytes.writeInt32LE(highHalf(value), this.length + 4);
    this.length += 8;
  }

  raw(from: Uint8Array, at: number, length: number): void {
    if (this.onMuch !== undefined) {
      for (; length > MUCH; at += MUCH, length -= MUCH) this.append(from, at, MUCH);
    }
    this.append(from, at, length);
  }

  private append(from: Uint8Array, at: number, length: number): void {
    this.room(length);
    copyBytes(from, at, length, this.bytes, this.length);
    this.length += length;
  }

  private integer(value: number): boolean {
    this.room(5);
    const { bytes, length } = this;
    if (value >= -128 && value <= 127) {
      bytes[length] = 0xc0 | Encoded.INT8;
      bytes.writeInt8(value, length + 1);
      this.length += 2;
    } else if (value >= -32768 && value <= 32767) {
      bytes[length] = 0xc0 | Encoded.INT16;
      bytes.writeInt16LE(value, length + 1);
      this.length += 3;
    } else if (value >= -2147483648 && value <= 2147483647) {
      bytes[length] = 0xc0 | Encoded.INT32;
      bytes.writeInt32LE(value, length + 1);
      this.length += 5;
    } else {
      return false;
    }
    return true;
  }

  private compressed(from: Uint8Array, at: number, length: number): boolean {
    const room = length - LEAST_SAVED;
    const target = room <= scratch.length ? scratch : Buffer.allocUnsafe(room);
    const size = lzfCompress(from, at, length, target, 0, room);
    if (size !== 0) this.lzf(target, 0, size, length);
    return size !== 0;
  }

  /** Called when so much is gathered that it could go where it belongs: of values of any size no more is kept than that. */
  onMuch: (() => void) | undefined;

  private room(more: number): void {
    if (this.length >= MUCH && this.onMuch !== undefined) this.onMuch();
    if (this.length + more <= this.bytes.length) return;
    const larger = withWords(Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.length + more)));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }
}
