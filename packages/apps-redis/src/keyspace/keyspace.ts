/** All databases, the memory they share, and what is freed later. */
import type { Dict } from "../memory/dict.js";
import { Heap, type Ref } from "../memory/heap.js";
import type { Snapshot } from "../snapshot/snapshot.js";
import { Db } from "./db.js";
import { Objects } from "./objects.js";
import type { StoredObject } from "./types.js";

/** Larger values are freed later, bit by bit; elements freed before the clock is looked at. */
const FREED_AT_ONCE = 64;
const FREED_BETWEEN_LOOKS = 512;

/** A part of the dataset that nobody can reach any more. */
interface Released {
  /** Values and keys that are still to be freed, as INFO counts them. */
  readonly objects: number;
  release(most: number): boolean;
}

/** Who hears of what happens to keys: WATCH, client tracking. */
export interface ChangeListener {
  /** The value of a key was changed, the key made or removed; `isOwn`: by a command, and not because its time is over or memory is full. */
  changed(db: Db, bytes: Uint8Array, at: number, length: number, isOwn: boolean): void;
  /** All keys of a database are about to go, and those of `by`, if there is one, to come: FLUSHDB and SWAPDB. */
  emptied(db: Db, by?: Db): void;
}

export class Keyspace {
  readonly objects = new Objects();
  readonly dbs: Db[];
  /** Reads that found their key, that did not; keys that were deleted because their time was over, or the memory's. */
  hits = 0;
  misses = 0;
  expired = 0;
  evicted = 0;
  /** Changes of the dataset, as INFO's rdb_changes_since_last_save counts them. */
  dirty = 0;
  /** Somebody listens: {@link listen}. */
  isWatched = false;
  listeners: readonly ChangeListener[] = [];
  private readonly released: Released[] = [];
  private time = Date.now();
  private readonly text = Buffer.alloc(1024);

  constructor(
    databases: number,
    readonly heap = new Heap(),
  ) {
    this.dbs = Array.from({ length: databases }, (_, id) => new Db(this, id));
  }

  /** What saves the dataset as it was at one moment while it goes on changing: it is asked before anything is changed. */
  snapshot: Snapshot | undefined;

  /** What ran before runs again: a key that was there then is there, until what was told of its expiry deletes it. */
  isReplaying = false;

  /** CLIENT PAUSE: what has expired is not there, and is deleted later. Nothing may be written meanwhile. */
  keepsExpired = false;
  /** What a master has sent runs: it knows what has expired, and says so. */
  showsExpired = false;

  // ---- told by the server ----------------------------------------------------------------------------------------------

  onExpired: (db: Db, key: string) => void = () => {};
  /** A key was added that was not there. Undefined: nobody wants to know. */
  onNew: ((db: Db, key: string) => void) | undefined;
  /** A key was used: its clock of LRU or LFU. What a new one begins with. */
  touch: (db: Db, ref: Ref) => void = () => {};
  newClock: () => number = () => 0;
  /** A key that is a stream is about to go, or (without `key`) all keys: somebody may wait for what comes next in it. */
  onStreamRemoved: ((db: Db, key?: string) => void) | undefined;

  /** Milliseconds since 1970: one time for all of a command. */
  now(): number {
    return this.time;
  }

  setNow(milliseconds: number): void {
    this.time = milliseconds;
  }

  /** The bytes of latin1 text: good until the next call. */
  scratch(text: string): { bytes: Uint8Array; length: number } {
    const bytes = text.length <= this.text.length ? this.text : Buffer.alloc(text.length);
    return { bytes, length: bytes.write(text, 0, "latin1") };
  }

  /** Values and keys that were freed later, as INFO's lazyfreed_objects counts them. */
  lazyFreed = 0;
  /** Bytes that the process takes without any data: part of {@link usedMemory}, as in Redis. */
  baseMemory = 0;

  /** Bytes of keys, values and the tables that find them, and of the process itself: what maxmemory limits. */
  get usedMemory(): number {
    let bytes = this.baseMemory + this.heap.used;
    for (const db of this.dbs) bytes += db.dict.tableBytes;
    return bytes;
  }

  // ---- who listens -----------------------------------------------------------------------------------------------------

  listen(listener: ChangeListener): void {
    this.listeners = [...this.listeners, listener];
    this.isWatched = true;
  }

  /** It is told no more. */
  leave(listener: ChangeListener): void {
    this.listeners = this.listeners.filter((one) => one !== listener);
    this.isWatched = this.listeners.length !== 0;
  }

  /** Tells who listens of a change; ask {@link isWatched} first. */
  onChanged(db: Db, bytes: Uint8Array, at: number, length: number, isOwn = true): void {
    for (const listener of this.listeners) listener.changed(db, bytes, at, length, isOwn);
  }

  /** All keys of a database are about to go, and those of `by`, if there is one, to come: FLUSHDB and SWAPDB. */
  onEmptied(db: Db, by?: Db): void {
    for (const listener of this.listeners) listener.emptied(db, by);
  }

  /** All keys of all databases go. */
  empty(): void {
    for (const db of this.dbs) {
      this.onEmptied(db);
      db.clear();
    }
  }

  // ---- freeing ---------------------------------------------------------------------------------------------------------

  /** `objects`: 0 for what was counted with its key. */
  releaseValue(value: Ref | StoredObject | undefined, objects = 1): void {
    if (value === undefined) return;
    if (typeof value === "number") this.heap.free(value);
    else if (value.size > FREED_AT_ONCE || !value.release(Number.POSITIVE_INFINITY))
      this.released.push({ objects, release: (most) => value.release(most) });
  }

  releaseDict(dict: Dict, before: (ref: Ref) => void): void {
    const objects = dict.size;
    if (this.snapshot?.keeps(dict, () => this.releaseDict(dict, before))) return;
    if (objects !== 0) this.released.push({ objects, release: (most) => dict.drain(most, before) });
  }

  /** Things that wait to be freed. */
  get pendingReleases(): number {
    return this.released.length;
  }

  /** Values and keys in them. */
  get pendingObjects(): number {
    return this.released.reduce((sum, { objects }) => sum + objects, 0);
  }

  /** Frees for about `milliseconds`; true while something is left. */
  releaseSome(milliseconds: number): boolean {
    const end = performance.now() + milliseconds;
    while (this.released.length !== 0) {
      const last = this.released[this.released.length - 1];
      if (last.release(FREED_BETWEEN_LOOKS)) {
        this.released.splice(this.released.indexOf(last), 1);
        this.lazyFreed += last.objects;
      }
      if (performance.now() >= end) break;
    }
    return this.released.length !== 0;
  }
}
