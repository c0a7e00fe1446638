/**
 * A hash as its key holds it: a listpack of fields and values in turn, from the limits of the configuration on a {@link HashTable}.
 *
 * One HashValue serves any number of keys, one after the other: open() binds it to one, whose record it must stay. Fields and values that it
 * tells ({@link Element}) are good until the next call.
 */
import { Listpack } from "../encodings/listpack.js";
import type { Db } from "../keyspace/db.js";
import { Encoding, Type } from "../keyspace/types.js";
import type { Ref } from "../memory/heap.js";
import { Element } from "./element.js";
import { HashTable } from "./hash-table.js";

/** Of the configuration: what a listpack may hold. */
export interface HashLimits {
  readonly hashMaxListpackEntries: number;
  readonly hashMaxListpackValue: number;
}

export class HashValue {
  /** The one or the other. */
  table: HashTable | undefined;
  readonly list = new Listpack();
  readonly field = new Element();
  /** What find() found, and each() tells. */
  readonly value = new Element();
  private db!: Db;
  private record: Ref = 0;

  /** The hash that a record holds. */
  open(db: Db, record: Ref): this {
    this.db = db;
    this.record = record;
    if (db.encodingOf(record) === Encoding.LISTPACK) {
      this.table = undefined;
      this.list.open(db.heap, db.blob(record));
    } else {
      this.table = db.object<HashTable>(record);
    }
    return this;
  }

  /** A new one without fields for a key that is not there. */
  create(db: Db, key: Uint8Array, at: number, length: number): this {
    this.list.create(db.heap);
    return this.open(db, db.addBlob(key, at, length, Type.HASH, Encoding.LISTPACK, this.list.ref));
  }

  get size(): number {
    return this.table === undefined ? this.list.length >>> 1 : this.table.size;
  }

  // ---- reading ---------------------------------------------------------------------------------------------------------

  /** Whether the field is there: then {@link value} is its value. */
  find(field: Uint8Array, at: number, length: number): boolean {
    const { table, list } = this;
    if (table !== undefined) {
      const ref = table.dict.find(field, at, length);
      if (ref === 0) return false;
      table.readValue(ref, this.value);
      return true;
    }
    const p = list.find(field, at, length, 1);
    if (p === 0) return false;
    this.value.setListpack(list, list.next(p));
    return true;
  }

  /** Tells all fields with their values; nothing may be changed meanwhile. */
  each(found: (field: Element, value: Element) => void): void {
    const { table, list, field, value } = this;
    if (table !== undefined) {
      table.dict.each((ref) => {
        found(field.setKey(table.heap, ref), table.readValue(ref, value));
      });
      return;
    }
    for (let p = list.first(); p !== 0; ) {
      field.setListpack(list, p);
      p = list.next(p);
      value.setListpack(list, p);
      p = list.next(p);
      found(field, value);
    }
  }

  /** Names of all pairs, for who will draw among them: {@link show}. */
  pairs(): number[] {
    const { table, list } = this;
    if (table !== undefined) return table.refs();
    const all: number[] = [];
    for (let p = list.first(); p !== 0; p = list.next(list.next(p))) all.push(p);
    return all;
  }

  /** Sets {@link field} and {@link value} to a pair of pairs(), or of the table's dict. */
  show(pair: number): void {
    const { table, list, field, value } = this;
    if (table !== undefined) {
      field.setKey(table.heap, pair);
      table.readValue(pair, value);
    } else {
      field.setListpack(list, pair);
      value.setListpack(list, list.next(pair));
    }
  }

  // ---- changing --------------------------------------------------------------------------------------------------------

  /** Sets a field; whether it is new. The bytes must not lie in this hash. */
  set(
    field: Uint8Array,
    at: number,
    length: number,
    value: Uint8Array,
    valueAt: number,
    valueLength: number,
    limits: HashLimits,
  ): boolean {
    const { list } = this;
    if (this.table === undefined && !this.takes(length, valueLength, limits)) this.convert();
    const { table } = this;
    if (table !== undefined) {
      const ref = table.dict.find(field, at, length);
      if (ref === 0) table.addBytes(field, at, length, value, valueAt, valueLength);
      else table.replace(ref, value, valueAt, valueLength);
      return ref === 0;
    }
    const p = list.find(field, at, length, 1);
    if (p !== 0) {
      list.replace(list.next(p), value, valueAt, valueLength);
    } else {
      const begin = list.append(field, at, length);
      try {
        list.append(value, valueAt, valueLength);
      } catch (error) {
        list.remove(begin);
        this.listChanged();
        throw error;
      }
    }
    this.listChanged();
    this.fit(limits);
    return p === 0;
  }

  /** Whether the field was there. */
  delete(field: Uint8Array, at: number, length: number): boolean {
    const { table, list } = this;
    if (table !== undefined) {
      const ref = table.dict.find(field, at, length);
      if (ref !== 0) table.dict.delete(ref);
      return ref !== 0;
    }
    const p = list.find(field, at, length, 1);
    if (p === 0) return false;
    list.removeFrom(p, 2);
    this.listChanged();
    return true;
  }

  /** A listpack with more fields than the configuration says becomes a table. */
  fit(limits: HashLimits): void {
    if (this.table === undefined && this.size > limits.hashMaxListpackEntries) this.convert();
  }

  /** Makes a table of the listpack. */
  convert(): void {
    const { db, list } = this;
    const table = new HashTable(db.heap);
    this.each((field, value) => table.add(field, value));
    const old = list.ref;
    db.becomeObject(this.record, Encoding.HASHTABLE, table);
    db.heap.free(old);
    this.table = table;
  }

  private takes(length: number, valueLength: number, limits: HashLimits): boolean {
    const most = limits.hashMaxListpackValue;
    return length <= most && valueLength <= most && this.list.safeToAdd(length + valueLength);
  }

  private listChanged(): void {
    this.db.setBlob(this.record, this.list.ref);
  }
}
