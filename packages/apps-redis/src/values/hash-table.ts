/** The hashtable encoding of a hash: a record for each field, whose payload is the bytes of its value behind their number. */

import { copyBytes } from "../memory/bytes.js";
import { chunkOf, offsetOf, type Ref } from "../memory/heap.js";
import { HEADER, keyLengthOf, payloadOf, payloadRoom } from "../memory/record.js";
import type { Element } from "./element.js";
import { orRelease } from "./or-release.js";
import { Table } from "./table.js";

/** Of the value's length. */
const LENGTH_BYTES = 4;
/** Less room than this is not given back. */
const SMALL_ROOM = 64;

export class HashTable extends Table {
  /** The field must not be there. */
  add(field: Element, value: Element): void {
    this.addBytes(field.bytes, field.at, field.length, value.bytes, value.at, value.length);
  }

  addBytes(
    field: Uint8Array,
    at: number,
    length: number,
    value: Uint8Array,
    valueAt: number,
    valueLength: number,
  ): void {
    const ref = this.dict.add(field, at, length, LENGTH_BYTES + valueLength);
    this.write(ref, value, valueAt, valueLength);
  }

  /** Gives the record's field another value. */
  replace(ref: Ref, value: Uint8Array, at: number, length: number): void {
    const { heap } = this;
    const chunk = chunkOf(ref);
    const payload = payloadOf(heap, ref);
    // One that is as long as before is the usual.
    const stays = heap.words[chunk][payload >>> 2] === length || this.fits(ref, LENGTH_BYTES + length);
    if (stays) this.writeAt(chunk, payload, value, at, length);
    else this.write(this.dict.resize(ref, LENGTH_BYTES + length, 0), value, at, length);
  }

  /** Binds `value` to the value of the record's field. */
  readValue(ref: Ref, value: Element): Element {
    const { heap } = this;
    const at = payloadOf(heap, ref);
    const chunk = chunkOf(ref);
    return value.set(heap.bytes[chunk], at + LENGTH_BYTES, heap.words[chunk][at >>> 2]);
  }

  copy(): HashTable {
    const made = new HashTable(this.heap);
    const { heap } = this;
    return orRelease(made, () => {
      this.dict.each((ref) => {
        const chunk = chunkOf(ref);
        const payload = payloadOf(heap, ref);
        const length = heap.words[chunk][payload >>> 2];
        const bytes = heap.bytes[chunk];
        heap.demand(length);
        made.addBytes(bytes, offsetOf(ref) + HEADER, keyLengthOf(heap, ref), bytes, payload + LENGTH_BYTES, length);
      });
      return made;
    });
  }

  /** It stays where it is if it fits, and does not waste more than half. */
  private fits(ref: Ref, wanted: number): boolean {
    const room = payloadRoom(this.heap, ref);
    return wanted <= room && (room <= SMALL_ROOM || wanted >= room / 2);
  }

  private write(ref: Ref, value: Uint8Array, at: number, length: number): void {
    this.writeAt(chunkOf(ref), payloadOf(this.heap, ref), value, at, length);
  }

  private writeAt(chunk: number, payload: number, value: Uint8Array, at: number, length: number): void {
    const { heap } = this;
    heap.words[chunk][payload >>> 2] = length;
    copyBytes(value, at, length, heap.bytes[chunk], payload + LENGTH_BYTES);
  }
}
