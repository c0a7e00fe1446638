/**
 * One database: keys, their values and when they expire. What it hands out is a {@link Ref} of a record, which is good until the database is
 * changed; whatever changes a value says so by {@link Db.changed}.
 */

import { copyBytes } from "../memory/bytes.js";
import { Dict } from "../memory/dict.js";
import { chunkOf, type Heap, offsetOf, type Ref } from "../memory/heap.js";
import { readLatin1 } from "../memory/latin1.js";
import {
  exactExpiryOf,
  expiryOf,
  expiryPlace,
  HEADER,
  hasExpiry,
  keyLengthOf,
  keyText,
  metaOf,
  payloadOf,
  payloadRoom,
  setExpiry,
  setMeta,
} from "../memory/record.js";
import type { Integer } from "../numbers/integers.js";
import { ExpiryIndex } from "./expiry-index.js";
import type { Keyspace } from "./keyspace.js";
import { Encoding, type EncodingValue, isBlob, type StoredObject, Type, type TypeValue } from "./types.js";

const CLOCK_SHIFT = 8;

export class Db {
  readonly heap: Heap;
  dict: Dict;
  expires: ExpiryIndex;
  /** Milliseconds that keys have left which active expiry has looked at, of late. */
  averageTtl = 0;
  /** See {@link replacing}. */
  private isReplacing = false;

  constructor(
    readonly keyspace: Keyspace,
    public id: number,
  ) {
    this.heap = keyspace.heap;
    this.dict = new Dict(this.heap, true);
    this.expires = new ExpiryIndex(this.heap);
  }

  get size(): number {
    return this.dict.size;
  }

  // ---- finding -------------------------------------------------------------------------------------------------------

  /** The record, or 0; what has expired is deleted first. Counts as a use of the key for eviction, and for the statistics of reads. */
  lookup(bytes: Uint8Array, at: number, length: number): Ref {
    const ref = this.find(bytes, at, length);
    if (ref === 0) this.keyspace.misses++;
    else this.keyspace.hits++;
    if (ref !== 0) this.keyspace.touch(this, ref);
    return ref;
  }

  /** As lookup(), without a use: EXISTS, TTL, OBJECT. */
  peek(bytes: Uint8Array, at: number, length: number): Ref {
    const ref = this.find(bytes, at, length);
    if (ref === 0) this.keyspace.misses++;
    else this.keyspace.hits++;
    return ref;
  }

  /** As lookup(), for who will write: not counted among the reads. */
  lookupWrite(bytes: Uint8Array, at: number, length: number): Ref {
    const ref = this.find(bytes, at, length);
    if (ref !== 0) this.keyspace.touch(this, ref);
    return ref;
  }

  /** As lookup(), and nobody notices. */
  find(bytes: Uint8Array, at: number, length: number): Ref {
    const ref = this.dict.find(bytes, at, length);
    if (ref !== 0 && this.expires.size !== 0 && hasExpiry(this.heap, ref) && this.isExpired(ref)) {
      if (this.keyspace.showsExpired) return ref;
      if (!this.keyspace.keepsExpired) this.expire(ref);
      return 0;
    }
    return ref;
  }

  /** By the key as latin1 text. */
  findText(key: string): Ref {
    const { bytes, length } = this.keyspace.scratch(key);
    return this.find(bytes, 0, length);
  }

  isExpired(ref: Ref): boolean {
    return hasExpiry(this.heap, ref) && expiryOf(this.heap, ref) < this.keyspace.now() && !this.keyspace.isReplaying;
  }

  /** Deletes a key because its time is over. */
  expire(ref: Ref): void {
    const key = keyText(this.heap, ref);
    this.keyspace.expired++;
    if (this.keyspace.isWatched)
      this.keyspace.onChanged(this, this.heap.bytes[chunkOf(ref)], this.keyAt(ref), this.keyLength(ref), false);
    this.delete(ref);
    this.keyspace.onExpired(this, key);
  }

  // ---- what a record is ----------------------------------------------------------------------------------------------

  typeOf(ref: Ref): TypeValue {
    return (metaOf(this.heap, ref) & 15) as TypeValue;
  }

  encodingOf(ref: Ref): EncodingValue {
    return ((metaOf(this.heap, ref) >>> 4) & 15) as EncodingValue;
  }

  setEncoding(ref: Ref, encoding: EncodingValue): void {
    setMeta(this.heap, ref, (metaOf(this.heap, ref) & ~0xf0) | (encoding << 4));
  }

  /** 24 bits of the eviction policy's. */
  clockOf(ref: Ref): number {
    return metaOf(this.heap, ref) >>> CLOCK_SHIFT;
  }

  setClock(ref: Ref, clock: number): void {
    const had = metaOf(this.heap, ref);
    const meta = (had & 0xff) | (clock << CLOCK_SHIFT);
    // Mostly it is as it was, of a second: memory that is only read need not be written back.
    if (meta !== had) setMeta(this.heap, ref, meta);
  }

  key(ref: Ref): string {
    return keyText(this.heap, ref);
  }

  keyAt(ref: Ref): number {
    return offsetOf(ref) + HEADER;
  }

  keyLength(ref: Ref): number {
    return keyLengthOf(this.heap, ref);
  }

  // ---- strings: their length and their bytes are the payload -----------------------------------------------------------

  stringLength(ref: Ref): number {
    return this.heap.words[chunkOf(ref)][payloadOf(this.heap, ref) >>> 2] >>> 0;
  }

  /** Where the string's bytes begin, in the record's chunk. */
  stringAt(ref: Ref): number {
    return payloadOf(this.heap, ref) + 4;
  }

  /** Sets the length; bytes up to the shorter of both are kept, others have anything in them. Returns where the record is now. */
  setStringLength(ref: Ref, length: number, spare = 0): Ref {
    const heap = this.heap;
    const had = this.stringLength(ref);
    const room = payloadRoom(heap, ref);
    let now = ref;
    // It stays where it is if it fits, and does not waste more than half.
    if (length + 4 > room || (room > 64 && length + 4 < room / 2 && spare === 0)) {
      now = this.resize(ref, length + 4 + spare, 4 + Math.min(had, length));
    }
    heap.words[chunkOf(now)][payloadOf(heap, now) >>> 2] = length;
    return now;
  }

  /** A new string of `length` bytes with anything in them; the key is not there. `expiry`: milliseconds since 1970, -1 for none. */
  addString(
    key: Uint8Array,
    at: number,
    keyLength: number,
    length: number,
    encoding: EncodingValue,
    expiry: Integer = -1,
  ): Ref {
    if (expiry !== -1) this.expires.prepare();
    const ref = this.add(key, at, keyLength, Type.STRING, encoding, length + 4, expiry !== -1);
    if (expiry !== -1) {
      setExpiry(this.heap, ref, expiry);
      this.expires.add(ref);
    }
    this.heap.words[chunkOf(ref)][payloadOf(this.heap, ref) >>> 2] = length;
    return ref;
  }

  // ---- other values: a block, or an object of JavaScript ---------------------------------------------------------------

  blob(ref: Ref): Ref {
    return this.heap.words[chunkOf(ref)][payloadOf(this.heap, ref) >>> 2] >>> 0;
  }

  setBlob(ref: Ref, blob: Ref): void {
    this.heap.words[chunkOf(ref)][payloadOf(this.heap, ref) >>> 2] = blob;
  }

  object<T extends StoredObject>(ref: Ref): T {
    return this.keyspace.objects.get(this.blob(ref)) as T;
  }

  /** The value's encoding is another now, and an object: the block that it was is the caller's to free. */
  becomeObject(ref: Ref, encoding: EncodingValue, object: StoredObject): void {
    this.setBlob(ref, this.keyspace.objects.add(object));
    this.setEncoding(ref, encoding);
  }

  /** The other way; the object is the caller's to release. */
  becomeBlob(ref: Ref, encoding: EncodingValue, blob: Ref): void {
    this.keyspace.objects.remove(this.blob(ref));
    this.setBlob(ref, blob);
    this.setEncoding(ref, encoding);
  }

  /** Where there is no memory for the record the block is freed, as the key would have had it. */
  addBlob(key: Uint8Array, at: number, length: number, type: TypeValue, encoding: EncodingValue, blob: Ref): Ref {
    try {
      return this.addNaming(key, at, length, type, encoding, blob);
    } catch (error) {
      this.heap.free(blob);
      throw error;
    }
  }

  /** As addBlob(): the object is released. */
  addObject(
    key: Uint8Array,
    at: number,
    length: number,
    type: TypeValue,
    encoding: EncodingValue,
    object: StoredObject,
  ): Ref {
    const number = this.keyspace.objects.add(object);
    try {
      return this.addNaming(key, at, length, type, encoding, number);
    } catch (error) {
      this.keyspace.objects.remove(number);
      this.keyspace.releaseValue(object);
      throw error;
    }
  }

  private addNaming(
    key: Uint8Array,
    at: number,
    length: number,
    type: TypeValue,
    encoding: EncodingValue,
    value: number,
  ): Ref {
    const ref = this.add(key, at, length, type, encoding, 4);
    this.setBlob(ref, value);
    return ref;
  }

  // ---- changing ------------------------------------------------------------------------------------------------------

  private add(
    key: Uint8Array,
    at: number,
    length: number,
    type: TypeValue,
    encoding: EncodingValue,
    payload: number,
    expires = false,
  ): Ref {
    const isNew = !this.isReplacing;
    this.isReplacing = false;
    const ref = this.dict.add(key, at, length, payload, expires);
    setMeta(this.heap, ref, type | (encoding << 4) | (this.keyspace.newClock() << CLOCK_SHIFT));
    if (isNew && this.keyspace.onNew !== undefined) this.tellOfNew(key, at, length);
    return ref;
  }

  private tellOfNew(key: Uint8Array, at: number, length: number): void {
    this.keyspace.onNew?.(this, readLatin1(key, at, at + length));
  }

  private resize(ref: Ref, payload: number, keep: number, expires = hasExpiry(this.heap, ref)): Ref {
    const expired = hasExpiry(this.heap, ref);
    const moved = this.dict.resize(ref, payload, keep, expires);
    if (moved !== ref && expired && expires) this.expires.moved(moved);
    return moved;
  }

  /** Milliseconds since 1970, or -1. */
  expiryOf(ref: Ref): number {
    return hasExpiry(this.heap, ref) ? expiryOf(this.heap, ref) : -1;
  }

  /** As expiryOf(), where a number does not hold it exactly a bigint: EXPIREAT takes all 64 bits. */
  exactExpiryOf(ref: Ref): Integer {
    return hasExpiry(this.heap, ref) ? exactExpiryOf(this.heap, ref) : -1;
  }

  /** -1: it does not expire. Returns where the record is now. */
  setExpiry(ref: Ref, milliseconds: Integer): Ref {
    const had = hasExpiry(this.heap, ref);
    const wants = milliseconds !== -1;
    let now = ref;
    if (had !== wants) {
      const { heap } = this;
      heap.insist();
      const bytes = this.payloadBytes(ref);
      const place = had ? expiryPlace(heap, ref) : -1;
      if (wants) this.expires.prepare();
      now = this.resize(ref, bytes, bytes, wants);
      if (wants) this.expires.add(now);
      else this.expires.removeAt(place);
    }
    if (wants) setExpiry(this.heap, now, milliseconds);
    return now;
  }

  private payloadBytes(ref: Ref): number {
    return this.typeOf(ref) === Type.STRING ? this.stringLength(ref) + 4 : 4;
  }

  /** Gives the value, as it is, another key, here or in another database, which has none of that name. Returns its record there. */
  moveTo(target: Db, ref: Ref, key: Uint8Array, at: number, length: number): Ref {
    this.heap.insist();
    this.keyspace.snapshot?.before(this, ref);
    const made = this.makeAlike(target, ref, key, at, length);
    this.tellOfStream(ref);
    setMeta(this.heap, made, metaOf(this.heap, ref));
    if (hasExpiry(this.heap, ref)) this.expires.remove(ref);
    this.dict.delete(ref);
    return made;
  }

  /** As moveTo(), of which only the key's own record stays: `value` is what the new one names, if it is no string. */
  copyTo(
    target: Db,
    ref: Ref,
    key: Uint8Array,
    at: number,
    length: number,
    value: Ref | StoredObject | undefined,
  ): Ref {
    let made: Ref;
    try {
      made = this.makeAlike(target, ref, key, at, length);
    } catch (error) {
      this.keyspace.releaseValue(value);
      throw error;
    }
    if (value !== undefined) target.setBlob(made, typeof value === "number" ? value : this.keyspace.objects.add(value));
    return made;
  }

  /** A record with the same payload and expiry. */
  private makeAlike(target: Db, ref: Ref, key: Uint8Array, at: number, length: number): Ref {
    const { heap } = this;
    const payload = this.payloadBytes(ref);
    const expires = hasExpiry(heap, ref);
    if (expires) target.expires.prepare();
    const made = target.dict.add(key, at, length, payload, expires);
    setMeta(heap, made, (metaOf(heap, ref) & 0xff) | (this.keyspace.newClock() << CLOCK_SHIFT));
    const from = payloadOf(heap, ref);
    copyBytes(heap.bytes[chunkOf(ref)], from, payload, heap.bytes[chunkOf(made)], payloadOf(heap, made));
    if (expires) {
      setExpiry(heap, made, exactExpiryOf(heap, ref));
      target.expires.add(made);
    }
    if (this.keyspace.onNew !== undefined) target.tellOfNew(key, at, length);
    return made;
  }

  /** Removes the key and frees its value: large ones bit by bit, later. */
  delete(ref: Ref): void {
    this.keyspace.snapshot?.before(this, ref);
    this.tellOfStream(ref);
    if (hasExpiry(this.heap, ref)) this.expires.remove(ref);
    this.keyspace.releaseValue(this.takeValue(ref));
    this.dict.delete(ref);
  }

  /** What is added next takes the place of a value that is deleted then: so the key is not a new one. */
  replacing(): void {
    this.isReplacing = this.keyspace.onNew !== undefined;
  }

  /** A key is about to go: if it is a stream, somebody may wait for it. */
  private tellOfStream(ref: Ref): void {
    if (this.keyspace.onStreamRemoved !== undefined && this.typeOf(ref) === Type.STREAM)
      this.keyspace.onStreamRemoved(this, this.key(ref));
  }

  /** What a record's payload names: a block, an object, or nothing. */
  private takeValue(ref: Ref): Ref | StoredObject | undefined {
    if (this.typeOf(ref) === Type.STRING) return undefined;
    const value = this.blob(ref);
    if (isBlob(this.encodingOf(ref))) return value;
    const object = this.keyspace.objects.get(value);
    this.keyspace.objects.remove(value);
    return object;
  }

  /** Empties it. What it held is freed bit by bit, later. */
  clear(): void {
    this.keyspace.onStreamRemoved?.(this);
    const old = this.dict;
    this.dict = new Dict(this.heap, true);
    this.expires.clear();
    this.averageTtl = 0;
    this.keyspace.releaseDict(old, (ref) => {
      const value = this.takeValue(ref);
      if (value !== undefined) this.keyspace.releaseValue(value, 0);
    });
  }

  /** What both hold is in the other's place: SWAPDB. */
  swapWith(other: Db): void {
    const { averageTtl, dict, expires } = this;
    this.averageTtl = other.averageTtl;
    other.averageTtl = averageTtl;
    this.dict = other.dict;
    this.expires = other.expires;
    other.dict = dict;
    other.expires = expires;
  }

  /** A key's value was changed, the key made or removed: WATCH and tracking hear of it, and the dataset counts it. */
  changed(bytes: Uint8Array, at: number, length: number): void {
    this.keyspace.dirty++;
    if (this.keyspace.isWatched) this.keyspace.onChanged(this, bytes, at, length);
  }
}

export { Encoding, Type };
