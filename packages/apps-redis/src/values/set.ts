/**
 * A set as its key holds it: an intset while all members are integers and few enough, else a {@link SetTable}.
 *
 * One SetValue serves any number of sets, one after the other: open() binds it to that of a key, whose record it must stay; create() to a new one
 * that is no key's until it is stored. Members that it tells ({@link Element}) are good until the next call.
 */
import { Intset } from "../encodings/intset.js";
import type { Db } from "../keyspace/db.js";
import { Encoding, Type } from "../keyspace/types.js";
import type { Heap, Ref } from "../memory/heap.js";
import { type Integer, parseInteger } from "../numbers/integers.js";
import { Element } from "./element.js";
import { SetTable } from "./set-table.js";

/** Of the configuration: how many members an intset may have. */
export interface SetLimits {
  readonly setMaxIntsetEntries: number;
}

/** Members of an intset whatever the configuration says. */
const MOST_INTSET_ENTRIES = 2 ** 30;

export class SetValue {
  /** The one or the other. */
  table: SetTable | undefined;
  readonly ints = new Intset();
  readonly member = new Element();
  private heap!: Heap;
  private db: Db | undefined;
  private record: Ref = 0;

  /** The set that a record holds. */
  open(db: Db, record: Ref): this {
    this.heap = db.heap;
    this.db = db;
    this.record = record;
    if (db.encodingOf(record) === Encoding.INTSET) {
      this.table = undefined;
      this.ints.open(db.heap, db.blob(record));
    } else {
      this.table = db.object<SetTable>(record);
    }
    return this;
  }

  /** A new one without members, which is no key's. */
  create(heap: Heap): this {
    this.heap = heap;
    this.db = undefined;
    this.record = 0;
    this.table = undefined;
    this.ints.create(heap);
    return this;
  }

  get size(): number {
    return this.table === undefined ? this.ints.length : this.table.size;
  }

  /** The same set of the same key. */
  is(other: SetValue): boolean {
    return this.record !== 0 && this.record === other.record;
  }

  // ---- reading ---------------------------------------------------------------------------------------------------------

  has(bytes: Uint8Array, at: number, length: number): boolean {
    if (this.table !== undefined) return this.table.has(bytes, at, length);
    const value = parseInteger(bytes, at, length);
    return value !== undefined && this.ints.has(value);
  }

  /** Tells members until `found` returns true: then true. Nothing may be changed meanwhile. */
  some(found: (member: Element) => boolean): boolean {
    const { ints, member, table } = this;
    if (table !== undefined) return table.dict.some((ref) => found(member.setKey(table.heap, ref)));
    const { length } = ints;
    for (let i = 0; i < length; i++) if (found(member.setInteger(ints.get(i)))) return true;
    return false;
  }

  /** Tells all members; nothing may be changed meanwhile. */
  each(found: (member: Element) => void): void {
    this.some((member) => {
      found(member);
      return false;
    });
  }

  /** Names of all members, for who will draw among them: {@link show}. Good until the set is changed. */
  places(): number[] {
    return this.table !== undefined ? this.table.refs() : Array.from({ length: this.ints.length }, (_, i) => i);
  }

  /** A name, as places() has them, of any member with a fair chance; there must be one. */
  randomPlace(): number {
    return this.table !== undefined ? this.table.dict.fairRandom() : Math.floor(Math.random() * this.ints.length);
  }

  /** Sets {@link member} to the one of this name, or of a record of the table's dict. */
  show(place: number): Element {
    const { ints, member, table } = this;
    return table !== undefined ? member.setKey(table.heap, place) : member.setInteger(ints.get(place));
  }

  // ---- changing --------------------------------------------------------------------------------------------------------

  /** Whether it was not there before. The bytes must not lie in this set. */
  add(bytes: Uint8Array, at: number, length: number, limits: SetLimits): boolean {
    if (this.table !== undefined) return this.table.add(bytes, at, length);
    const value = parseInteger(bytes, at, length);
    if (value === undefined) return this.convert().add(bytes, at, length);
    return this.addInteger(value, limits);
  }

  /** Whether it was there. The bytes may lie in this set. */
  remove(bytes: Uint8Array, at: number, length: number): boolean {
    if (this.table !== undefined) return this.table.remove(bytes, at, length);
    const value = parseInteger(bytes, at, length);
    if (value === undefined || !this.ints.remove(value)) return false;
    this.intsChanged();
    return true;
  }

  /** An intset with more members than the configuration says becomes a table. */
  fit(limits: SetLimits): void {
    const most = Math.min(limits.setMaxIntsetEntries, MOST_INTSET_ENTRIES);
    if (this.table === undefined && this.ints.length > most) this.convert();
  }

  /** Makes a table of the intset. */
  convert(): SetTable {
    const { db, heap, ints } = this;
    const table = new SetTable(heap);
    this.each((member) => table.dict.add(member.bytes, member.at, member.length, 0));
    db?.becomeObject(this.record, Encoding.HASHTABLE, table);
    heap.free(ints.ref);
    this.table = table;
    return table;
  }

  private addInteger(value: Integer, limits: SetLimits): boolean {
    if (!this.ints.add(value)) return false;
    this.intsChanged();
    this.fit(limits);
    return true;
  }

  private intsChanged(): void {
    this.db?.setBlob(this.record, this.ints.ref);
  }

  // ---- as the value of a key -------------------------------------------------------------------------------------------

  /** Becomes the value of a key that is not there. */
  store(db: Db, key: Uint8Array, at: number, length: number): void {
    const { table } = this;
    this.db = db;
    if (table !== undefined) this.record = db.addObject(key, at, length, Type.SET, Encoding.HASHTABLE, table);
    else this.record = db.addBlob(key, at, length, Type.SET, Encoding.INTSET, this.ints.ref);
  }

  /** Becomes the value of a record, in the place of `old`, which is the caller's to free. */
  replace(old: SetValue): void {
    const { table, ints } = this;
    const db = old.db as Db;
    const { record } = old;
    if (old.table !== undefined) db.becomeBlob(record, Encoding.INTSET, 0);
    if (table !== undefined) db.becomeObject(record, Encoding.HASHTABLE, table);
    else db.setBlob(record, ints.ref);
    this.db = db;
    this.record = record;
    old.db = undefined;
    old.record = 0;
  }

  /** As add(), to one that is no key's, which may have no bound. */
  gather(bytes: Uint8Array, at: number, length: number, limits: SetLimits): void {
    this.heap.demand(length);
    this.add(bytes, at, length, limits);
  }

  /** What is put together by `body` is given back if there is no memory for all of it. */
  orFree(body: () => void): this {
    try {
      body();
    } catch (error) {
      this.free();
      throw error;
    }
    return this;
  }

  /** Frees one that is no key's, at once: to make it took longer. */
  free(): void {
    if (this.table === undefined) this.heap.free(this.ints.ref);
    else this.table.release(Number.POSITIVE_INFINITY);
  }
}
