/** The hashtable encoding of a set: a record for each member, without a payload. */
import { chunkOf, offsetOf } from "../memory/heap.js";
import { HEADER, keyLengthOf } from "../memory/record.js";
import { orRelease } from "./or-release.js";
import { Table } from "./table.js";

export class SetTable extends Table {
  has(bytes: Uint8Array, at: number, length: number): boolean {
    return this.dict.find(bytes, at, length) !== 0;
  }

  /** Whether it was not there before. */
  add(bytes: Uint8Array, at: number, length: number): boolean {
    if (this.dict.find(bytes, at, length) !== 0) return false;
    this.dict.add(bytes, at, length, 0);
    return true;
  }

  /** Whether it was there. */
  remove(bytes: Uint8Array, at: number, length: number): boolean {
    const ref = this.dict.find(bytes, at, length);
    if (ref === 0) return false;
    this.dict.delete(ref);
    return true;
  }

  copy(): SetTable {
    const made = new SetTable(this.heap);
    const { heap } = this;
    return orRelease(made, () => {
      this.dict.each((ref) => {
        heap.demand(0);
        made.dict.add(heap.bytes[chunkOf(ref)], offsetOf(ref) + HEADER, keyLengthOf(heap, ref), 0);
      });
      return made;
    });
  }
}
