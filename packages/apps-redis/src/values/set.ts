/**
 * A set as its key holds it: an intset while all members are integers and few enough, else what Redis calls a hashtable. Of those a small one is a
 * listpack of its members, in the order in which they came, since a table costs more than what is in it; once it is a {@link SetTable}, it stays one.
 *
 * One SetValue serves any number of sets, one after the other: open() binds it to that of a key, whose record it must stay; create() to a new one
 * that is no key's until it is stored. Members that it tells ({@link Element}) are good until the next call.
 */
import { Intset } from "../encodings/intset.js";
import { Listpack } from "../encodings/listpack.js";
import type { Db } from "../keyspace/db.js";
import { Encoding, type EncodingValue, Type } from "../keyspace/types.js";
import type { Heap, Ref } from "../memory/heap.js";
import { type Integer, parseInteger } from "../numbers/integers.js";
import { Element } from "./element.js";
import { orRelease } from "./or-release.js";
import { SetTable } from "./set-table.js";

/** Of the configuration: how many members an intset may have. */
export interface SetLimits {
  readonly setMaxIntsetEntries: number;
}

/** Members of an intset whatever the configuration says. */
const MOST_INTSET_ENTRIES = 2 ** 30;

/**
 * What a listpack holds at most. To look for a member walks over half of them and to add one over all, which with so many takes less than a
 * microsecond; a table of more is not much larger than they are. Longer members have longer heads in a listpack, and walking past those takes several
 * times as long.
 */
export const MOST_LISTPACK_MEMBERS = 64;
export const MOST_LISTPACK_BYTES = 63;

export class SetValue {
  /** Which of the three holds the members: INTSET, HASHTABLE_LISTPACK, HASHTABLE. */
  private encoding: EncodingValue = Encoding.INTSET;
  private readonly ints = new Intset();
  private readonly list = new Listpack();
  table: SetTable | undefined;
  readonly member = new Element();
  private heap!: Heap;
  private db: Db | undefined;
  private record: Ref = 0;

  /** The set that a record holds. */
  open(db: Db, record: Ref): this {
    this.heap = db.heap;
    this.db = db;
    this.record = record;
    this.encoding = db.encodingOf(record);
    this.table = undefined;
    if (this.encoding === Encoding.HASHTABLE) this.table = db.object<SetTable>(record);
    else if (this.encoding === Encoding.INTSET) this.ints.open(db.heap, db.blob(record));
    else this.list.open(db.heap, db.blob(record));
    return this;
  }

  /** A new one without members, which is no key's. */
  create(heap: Heap): this {
    this.ints.create(heap);
    return this.begin(heap);
  }

  /** A new one of a copy of these bytes, which are an intset. */
  createIntset(heap: Heap, bytes: Uint8Array, at: number, length: number): this {
    this.ints.copyFrom(heap, bytes, at, length);
    return this.begin(heap);
  }

  private begin(heap: Heap): this {
    this.heap = heap;
    this.db = undefined;
    this.record = 0;
    this.encoding = Encoding.INTSET;
    this.table = undefined;
    return this;
  }

  get size(): number {
    if (this.table !== undefined) return this.table.size;
    return this.isIntset ? this.ints.length : this.list.length;
  }

  private get isIntset(): boolean {
    return this.encoding === Encoding.INTSET;
  }

  /** The same set of the same key. */
  is(other: SetValue): boolean {
    return this.record !== 0 && this.record === other.record;
  }

  // ---- reading ---------------------------------------------------------------------------------------------------------

  has(bytes: Uint8Array, at: number, length: number): boolean {
    if (this.table !== undefined) return this.table.has(bytes, at, length);
    if (!this.isIntset) return this.list.find(bytes, at, length) !== 0;
    const value = parseInteger(bytes, at, length);
    return value !== undefined && this.ints.has(value);
  }

  /** Tells members until `found` returns true: then true. Nothing may be changed meanwhile. */
  some(found: (member: Element) => boolean): boolean {
    const { ints, list, member, table } = this;
    if (table !== undefined) return table.dict.some((ref) => found(member.setKey(table.heap, ref)));
    if (!this.isIntset) {
      for (let p = list.first(); p !== 0; p = list.next(p)) if (found(member.setListpack(list, p))) return true;
      return false;
    }
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
    const { ints, list, table } = this;
    if (table !== undefined) return table.refs();
    if (this.isIntset) return Array.from({ length: ints.length }, (_, i) => i);
    const all: number[] = [];
    for (let p = list.first(); p !== 0; p = list.next(p)) all.push(p);
    return all;
  }

  /** A name, as places() has them, of any member with a fair chance; there must be one. */
  randomPlace(): number {
    if (this.table !== undefined) return this.table.dict.fairRandom();
    const index = Math.floor(Math.random() * this.size);
    return this.isIntset ? index : this.list.seek(index);
  }

  /** Sets {@link member} to the one of this name, or of a record of the table's dict. */
  show(place: number): Element {
    const { ints, list, member, table } = this;
    if (table !== undefined) return member.setKey(table.heap, place);
    return this.isIntset ? member.setInteger(ints.get(place)) : member.setListpack(list, place);
  }

  // ---- changing --------------------------------------------------------------------------------------------------------

  /** Whether it was not there before. The bytes must not lie in this set. */
  add(bytes: Uint8Array, at: number, length: number, limits: SetLimits): boolean {
    if (this.table !== undefined) return this.table.add(bytes, at, length);
    if (this.isIntset) {
      const value = parseInteger(bytes, at, length);
      if (value !== undefined) return this.addInteger(value, limits);
      this.becomeHashtable(this.ints.length + 1);
    }
    return this.addText(bytes, at, length);
  }

  /** Whether it was there. The bytes may lie in this set. */
  remove(bytes: Uint8Array, at: number, length: number): boolean {
    if (this.table !== undefined) return this.table.remove(bytes, at, length);
    if (this.isIntset) {
      const value = parseInteger(bytes, at, length);
      if (value === undefined || !this.ints.remove(value)) return false;
    } else {
      const p = this.list.find(bytes, at, length);
      if (p === 0) return false;
      this.list.remove(p);
    }
    this.blockChanged();
    return true;
  }

  /** An intset with more members than the configuration says becomes a hashtable, and one that is to have so many. */
  fit(limits: SetLimits, size = this.size): void {
    const most = Math.min(limits.setMaxIntsetEntries, MOST_INTSET_ENTRIES);
    if (this.isIntset && size > most) this.becomeHashtable(size);
  }

  private addInteger(value: Integer, limits: SetLimits): boolean {
    if (!this.ints.add(value)) return false;
    this.blockChanged();
    this.fit(limits);
    return true;
  }

  private addText(bytes: Uint8Array, at: number, length: number): boolean {
    const { list, table } = this;
    if (table !== undefined) return table.add(bytes, at, length);
    if (list.find(bytes, at, length) !== 0) return false;
    if (length > MOST_LISTPACK_BYTES || list.length >= MOST_LISTPACK_MEMBERS)
      return this.becomeTable(list.ref).add(bytes, at, length);
    list.append(bytes, at, length);
    this.blockChanged();
    return true;
  }

  // ---- what it becomes -------------------------------------------------------------------------------------------------

  /** Of an intset: what OBJECT ENCODING calls a hashtable, for `size` members. */
  private becomeHashtable(size: number): void {
    const { ints } = this;
    if (size > MOST_LISTPACK_MEMBERS) this.becomeTable(ints.ref);
    else this.becomeListpack(ints.ref);
  }

  /** Of an intset, whose block is `old`. */
  private becomeListpack(old: Ref): void {
    const { heap, ints, list } = this;
    list.create(heap);
    try {
      for (let i = 0; i < ints.length; i++) list.appendInteger(ints.get(i));
    } catch (error) {
      heap.free(list.ref);
      throw error;
    }
    this.encoding = Encoding.HASHTABLE_LISTPACK;
    this.db?.setEncoding(this.record, this.encoding);
    this.blockChanged();
    heap.free(old);
  }

  /** Of an intset or a listpack, whose block is `old`. */
  private becomeTable(old: Ref): SetTable {
    const { heap } = this;
    const table = new SetTable(heap);
    orRelease(table, () => this.each(({ bytes, at, length }) => table.dict.add(bytes, at, length, 0)));
    this.db?.becomeObject(this.record, Encoding.HASHTABLE, table);
    heap.free(old);
    this.encoding = Encoding.HASHTABLE;
    this.table = table;
    return table;
  }

  /** The block that is the value, where there is no table. */
  private get block(): Ref {
    return this.isIntset ? this.ints.ref : this.list.ref;
  }

  private blockChanged(): void {
    this.db?.setBlob(this.record, this.block);
  }

  // ---- as the value of a key -------------------------------------------------------------------------------------------

  /** Becomes the value of a key that is not there, whose record is returned. */
  store(db: Db, key: Uint8Array, at: number, length: number): Ref {
    const { encoding, table } = this;
    this.db = db;
    if (table !== undefined) this.record = db.addObject(key, at, length, Type.SET, encoding, table);
    else this.record = db.addBlob(key, at, length, Type.SET, encoding, this.block);
    return this.record;
  }

  /** Becomes the value of a record, in the place of `old`, which is the caller's to free. */
  replace(old: SetValue): void {
    const { encoding, table } = this;
    const db = old.db as Db;
    const { record } = old;
    if (old.table !== undefined) db.becomeBlob(record, encoding, 0);
    if (table !== undefined) {
      db.becomeObject(record, encoding, table);
    } else {
      db.setBlob(record, this.block);
      db.setEncoding(record, encoding);
    }
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
    if (this.table === undefined) this.heap.free(this.block);
    else this.table.release(Number.POSITIVE_INFINITY);
  }
}
