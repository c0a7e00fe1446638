/**
 * A sorted set, small or large (Redis: zsetAdd, zsetScore, zsetRank and the like of t_zset.c). One Zset serves any number of keys one after the
 * other: open() binds it to a record. Ranks count from 0.
 */
import type { Db } from "../keyspace/db.js";
import { Encoding, Type } from "../keyspace/types.js";
import { chunkOf, type Heap, offsetOf, type Ref } from "../memory/heap.js";
import { HEADER, keyLengthOf } from "../memory/record.js";
import { formatDouble } from "../numbers/doubles.js";
import type { ZsetLimits } from "./zset-add.js";
import { ZsetListpack } from "./zset-listpack.js";
import { ZsetObject } from "./zset-object.js";
import type { LexRange, ScoreRange } from "./zset-range.js";

/** What add() does only: with a new member, with one that is there, where the score grows, where it falls; `INCR` adds to the score. */
export const Only = { NEW: 1, THERE: 2, GREATER: 4, LESS: 8, INCR: 16 } as const;
/** What add() did: nothing because of {@link Only}, nothing because the score is the same, what it says, or nothing because the sum is none. */
export const Added = { NOT: 0, SAME: 1, NEW: 2, CHANGED: 3, NAN: 4 } as const;
export type AddedValue = (typeof Added)[keyof typeof Added];

export class Zset {
  ref: Ref = 0;
  /** Of add(): the score that the member has now. */
  newScore = 0;
  /** Where a range begins and ends: the ranks from `from` to before `end`. */
  from = 0;
  end = 0;
  /** The member that seek() and step() are at: its text. */
  text!: Uint8Array;
  textAt = 0;
  textLength = 0;
  private db!: Db;
  private heap!: Heap;
  private readonly pack = new ZsetListpack();
  /** The value if it is large; else it is in {@link pack}. */
  private large: ZsetObject | undefined;
  /** Of a small one, where seek() and step() are. */
  private p = 0;

  open(db: Db, ref: Ref): this {
    this.db = db;
    this.heap = db.heap;
    this.ref = ref;
    if (db.encodingOf(ref) === Encoding.LISTPACK) {
      this.large = undefined;
      this.pack.open(db.heap, db.blob(ref));
    } else {
      this.large = db.object<ZsetObject>(ref);
    }
    return this;
  }

  /** A new key without elements, of which the first to come has this length. */
  create(db: Db, limits: ZsetLimits, key: Uint8Array, at: number, length: number, memberLength: number): this {
    const isLarge = limits.zsetMaxListpackEntries === 0 || memberLength > limits.zsetMaxListpackValue;
    const ref = isLarge
      ? db.addObject(key, at, length, Type.ZSET, Encoding.SKIPLIST, new ZsetObject(db.heap))
      : db.addBlob(key, at, length, Type.ZSET, Encoding.LISTPACK, this.pack.create(db.heap).ref);
    return this.open(db, ref);
  }

  /** The value of a large one. */
  get object(): ZsetObject | undefined {
    return this.large;
  }

  /** Elements. */
  get length(): number {
    return this.large === undefined ? this.pack.members : this.large.size;
  }

  // ---- by member -----------------------------------------------------------------------------------------------------

  /** The member's score; NaN: it is not there. */
  score(bytes: Uint8Array, at: number, length: number): number {
    if (this.large !== undefined) {
      const member = this.large.find(bytes, at, length);
      return member === 0 ? Number.NaN : this.large.scoreOf(member);
    }
    const p = this.pack.findMember(bytes, at, length);
    return p === 0 ? Number.NaN : this.pack.scoreAt(p);
  }

  /** The member's rank, or -1. */
  rank(bytes: Uint8Array, at: number, length: number): number {
    if (this.large !== undefined) {
      const member = this.large.find(bytes, at, length);
      return member === 0 ? -1 : this.large.tree.rankOf(this.large.scoreOf(member), member);
    }
    const wanted = this.pack.findMember(bytes, at, length);
    if (wanted === 0) return -1;
    let rank = 0;
    for (let p = this.pack.first(); p !== wanted; p = this.pack.next(this.pack.next(p))) rank++;
    return rank;
  }

  add(limits: ZsetLimits, score: number, bytes: Uint8Array, at: number, length: number, only = 0): AddedValue {
    const { pack } = this;
    if (this.large === undefined) {
      const p = pack.findMember(bytes, at, length);
      if (p !== 0) {
        const had = pack.scoreAt(p);
        const outcome = this.newScoreFor(had, score, only);
        if (outcome !== Added.CHANGED) return outcome;
        pack.removeMember(p);
        pack.insertMember(this.newScore, bytes, at, length);
        this.db.setBlob(this.ref, pack.ref);
        return outcome;
      }
      if ((only & Only.THERE) !== 0) return Added.NOT;
      this.newScore = score;
      const hasRoom = pack.members < limits.zsetMaxListpackEntries && length <= limits.zsetMaxListpackValue;
      if (hasRoom && pack.safeToAdd(length)) {
        pack.insertMember(score, bytes, at, length);
        this.db.setBlob(this.ref, pack.ref);
        return Added.NEW;
      }
      this.becomeLarge();
    }
    const large = this.large as unknown as ZsetObject;
    const member = large.find(bytes, at, length);
    if (member === 0) {
      if ((only & Only.THERE) !== 0) return Added.NOT;
      this.newScore = score;
      large.add(score, bytes, at, length);
      return Added.NEW;
    }
    const outcome = this.newScoreFor(large.scoreOf(member), score, only);
    if (outcome === Added.CHANGED) large.setScore(member, this.newScore);
    return outcome;
  }

  /** False: it is not there. */
  remove(bytes: Uint8Array, at: number, length: number): boolean {
    if (this.large !== undefined) {
      const member = this.large.find(bytes, at, length);
      if (member !== 0) this.large.remove(member);
      return member !== 0;
    }
    const p = this.pack.findMember(bytes, at, length);
    if (p === 0) return false;
    this.pack.removeMember(p);
    this.db.setBlob(this.ref, this.pack.ref);
    return true;
  }

  /** Removes `count` elements from a rank on, which are there. */
  removeRange(rank: number, count: number): void {
    if (this.large !== undefined) {
      for (let n = count; n > 0; n--) this.large.removeAt(rank);
      return;
    }
    this.pack.removeRange(rank * 2, count * 2);
    this.db.setBlob(this.ref, this.pack.ref);
  }

  /** What a member with a score gets: {@link newScore}. */
  private newScoreFor(had: number, score: number, only: number): AddedValue {
    if ((only & Only.NEW) !== 0) return Added.NOT;
    const wanted = (only & Only.INCR) === 0 ? score : had + score;
    if (Number.isNaN(wanted)) return Added.NAN;
    if (((only & Only.LESS) !== 0 && wanted >= had) || ((only & Only.GREATER) !== 0 && wanted <= had)) return Added.NOT;
    this.newScore = wanted;
    return wanted === had ? Added.SAME : Added.CHANGED;
  }

  /** Makes a small one large, however few its elements are. */
  becomeLarge(): void {
    if (this.large !== undefined) return;
    const { pack, db } = this;
    const large = new ZsetObject(this.heap);
    for (let p = pack.first(); p !== 0; p = pack.next(pack.next(p))) {
      pack.load(p);
      large.add(pack.scoreAt(p), pack.text, pack.textAt, pack.textLength);
    }
    this.heap.free(pack.ref);
    db.becomeObject(this.ref, Encoding.SKIPLIST, large);
    this.large = large;
  }

  // ---- by rank -------------------------------------------------------------------------------------------------------

  /** Goes to the element of this rank, which is there, and loads it. */
  seek(rank: number): void {
    if (this.large !== undefined) this.large.tree.seek(rank);
    else this.p = this.pack.seek(rank * 2);
    this.load();
  }

  /** Goes on to the next element, or with -1 to the one before, and loads it; false: there is none. */
  step(by: 1 | -1): boolean {
    if (this.large !== undefined) {
      if (!this.large.tree.step(by)) return false;
    } else {
      const { pack } = this;
      this.p = by === 1 ? pack.next(pack.next(this.p)) : pack.prev(this.p);
      if (by === -1 && this.p !== 0) this.p = pack.prev(this.p);
      if (this.p === 0) return false;
    }
    this.load();
    return true;
  }

  /** The score of the element that seek() and step() are at. */
  currentScore(): number {
    return this.large !== undefined ? this.large.tree.score : this.pack.scoreAt(this.p);
  }

  /** As it is held: small ones have large integers with all their digits. */
  currentScoreText(): string {
    return this.large !== undefined ? formatDouble(this.large.tree.score) : this.pack.string(this.pack.next(this.p));
  }

  /** For many seekIndexed(), until a change. */
  index(): void {
    if (this.large === undefined) this.pack.index();
  }

  /** As seek(), after index(). */
  seekIndexed(rank: number): void {
    if (this.large !== undefined) this.large.tree.seek(rank);
    else this.p = this.pack.place(rank);
    this.load();
  }

  private load(): void {
    if (this.large !== undefined) {
      const { member } = this.large.tree;
      this.text = this.heap.bytes[chunkOf(member)];
      this.textAt = offsetOf(member) + HEADER;
      this.textLength = keyLengthOf(this.heap, member);
    } else {
      const { pack } = this;
      pack.load(this.p);
      this.text = pack.text;
      this.textAt = pack.textAt;
      this.textLength = pack.textLength;
    }
  }

  // ---- ranges: they set `from` and `end` -------------------------------------------------------------------------------

  scoreRange(range: ScoreRange): void {
    const rankOf = this.large !== undefined ? this.large.tree : this.pack;
    if (this.large === undefined) this.pack.index();
    this.from = rankOf.rankOfScore(range.min, range.isMinOpen);
    this.end = Math.max(this.from, rankOf.rankOfScore(range.max, !range.isMaxOpen));
  }

  /** Where scores differ there is no order to go by: of a small one what a walk from the one end (`isReverse`: from the other) finds, as in Redis. */
  lexRange(range: LexRange, isReverse: boolean): void {
    const { large, pack } = this;
    this.from = 0;
    this.end = 0;
    if (range.isEmpty) return;
    if (large !== undefined) {
      const { tree } = large;
      if (!this.isWithinEnds(range)) return;
      this.from = range.rankOfMin(tree);
      this.end = Math.max(this.from, range.rankOfMax(tree));
      return;
    }
    const count = pack.index();
    if (!this.isWithinEnds(range)) return;
    if (isReverse) {
      let last = count - 1;
      while (last >= 0 && !this.isBelowMax(range, last)) last--;
      let first = last + 1;
      while (first > 0 && this.isAboveMin(range, first - 1)) first--;
      this.from = first;
      this.end = last + 1;
    } else {
      let first = 0;
      while (first < count && !this.isAboveMin(range, first)) first++;
      let end = first;
      while (end < count && this.isBelowMax(range, end)) end++;
      this.from = first;
      this.end = end;
    }
  }

  /** Of the last element and the first, which is all that Redis asks before it searches. */
  private isWithinEnds(range: LexRange): boolean {
    this.seek(this.length - 1);
    if (!range.isAboveMin(this.text, this.textAt, this.textLength)) return false;
    this.seek(0);
    return range.isBelowMax(this.text, this.textAt, this.textLength);
  }

  /** Of the member of this rank of a small one, after the listpack's index(). */
  private isAboveMin(range: LexRange, rank: number): boolean {
    const { pack } = this;
    pack.load(pack.place(rank));
    return range.isAboveMin(pack.text, pack.textAt, pack.textLength);
  }

  private isBelowMax(range: LexRange, rank: number): boolean {
    const { pack } = this;
    pack.load(pack.place(rank));
    return range.isBelowMax(pack.text, pack.textAt, pack.textLength);
  }
}
