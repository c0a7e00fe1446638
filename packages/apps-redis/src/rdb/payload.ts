/** What DUMP hands out and RESTORE takes: a value, the version of its form in two bytes, and the checksum of all that in eight. */
import { Crc64 } from "../encodings/crc64.js";
import type { Db } from "../keyspace/db.js";
import type { Ref } from "../memory/heap.js";
import { BadFormat, RDB_VERSION } from "./format.js";
import { loadValue, type Target } from "./load.js";
import type { Loaded } from "./loaded.js";
import { RdbReader } from "./reader.js";
import { saveValue } from "./save.js";
import { RdbWriter } from "./writer.js";

const VERSION_BYTES = 2;
const CHECKSUM_BYTES = 8;
const FOOTER = VERSION_BYTES + CHECKSUM_BYTES;

/** The payload of a value is the first `length` bytes of {@link RdbWriter.bytes}: good until the next call. */
export function dumpPayload(db: Db, ref: Ref, compresses = true): RdbWriter {
  writer.begin(compresses);
  saveValue(writer, db, ref);
  writer.byte(RDB_VERSION & 0xff);
  writer.byte(RDB_VERSION >>> 8);
  const checksum = new Crc64().update(writer.bytes, 0, writer.length);
  checksum.write(footer, 0);
  writer.raw(footer, 0, CHECKSUM_BYTES);
  return writer;
}

const writer = new RdbWriter();
const footer = new Uint8Array(CHECKSUM_BYTES);

/** Whether version and checksum are right; `isTrusted`: whatever the checksum is. */
export function isPayload(bytes: Uint8Array, at: number, length: number, isTrusted = false): boolean {
  if (length < FOOTER) return false;
  const version = at + length - FOOTER;
  if ((bytes[version] | (bytes[version + 1] << 8)) > RDB_VERSION) return false;
  if (isTrusted) return true;
  return new Crc64().update(bytes, at, length - CHECKSUM_BYTES).isAt(bytes, at + length - CHECKSUM_BYTES);
}

/** The value of a payload; undefined: it is none. */
export function loadPayload(bytes: Uint8Array, at: number, length: number, target: Target): Loaded | undefined {
  try {
    return loadValue(new RdbReader(bytes, at, at + length - FOOTER), target);
  } catch (error) {
    if (error instanceof BadFormat) return undefined;
    throw error;
  }
}
