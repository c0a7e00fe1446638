/**
 * A large sorted set: its members in a hash table, each with its score, and their order in a tree. OBJECT ENCODING tells "skiplist", which is
 * what Redis has in the tree's place.
 */
import type { StoredObject } from "../keyspace/types.js";
import { Dict } from "../memory/dict.js";
import { chunkOf, type Heap, type Ref } from "../memory/heap.js";
import { payloadOf } from "../memory/record.js";
import { OrderedTree } from "./ordered-tree.js";

const SCORE_BYTES = 8;
/** Of an element in the tree, at most. */
const PLACE_BYTES = 48;

const double = new Float64Array(1);
const halves = new Int32Array(double.buffer);

export class ZsetObject implements StoredObject {
  readonly dict: Dict;
  readonly tree: OrderedTree;

  constructor(readonly heap: Heap) {
    this.dict = new Dict(heap);
    this.tree = new OrderedTree(heap);
  }

  get size(): number {
    return this.dict.size;
  }

  /** The tables and the tree, and of the records about what they take. */
  bytes(): number {
    const record = this.dict.size === 0 ? 0 : this.heap.capacity(this.dict.random());
    return this.dict.tableBytes + this.tree.bytes + record * this.dict.size;
  }

  release(most: number): boolean {
    return this.tree.release(most) && this.dict.drain(most);
  }

  /** The record of a member, or 0. */
  find(bytes: Uint8Array, at: number, length: number): Ref {
    return this.dict.find(bytes, at, length);
  }

  scoreOf(member: Ref): number {
    const words = this.heap.words[chunkOf(member)];
    const word = payloadOf(this.heap, member) >>> 2;
    halves[0] = words[word];
    halves[1] = words[word + 1];
    return double[0];
  }

  /** Adds a member that is not there. */
  add(score: number, bytes: Uint8Array, at: number, length: number): Ref {
    const member = this.addMember(score, bytes, at, length);
    this.tree.insert(score, member);
    return member;
  }

  /** As add(), to a set that is no key's, which may have no bound. */
  gather(score: number, bytes: Uint8Array, at: number, length: number): void {
    this.heap.demand(length);
    this.add(score, bytes, at, length);
  }

  setScore(member: Ref, score: number): void {
    this.tree.move(this.scoreOf(member), score, member);
    this.writeScore(member, score);
  }

  remove(member: Ref): void {
    this.tree.remove(this.scoreOf(member), member);
    this.dict.delete(member);
  }

  removeAt(rank: number): void {
    this.dict.delete(this.tree.removeAt(rank));
  }

  // ---- made in two steps: members with scores that may still change, then their order -----------------------------------

  /** Adds a member that is not there to the table only: to a set that is no key's, which may have no bound. */
  hold(score: number, bytes: Uint8Array, at: number, length: number): Ref {
    // order() takes memory only then.
    this.heap.demand(length + this.dict.size * PLACE_BYTES);
    return this.addMember(score, bytes, at, length);
  }

  private addMember(score: number, bytes: Uint8Array, at: number, length: number): Ref {
    const member = this.dict.add(bytes, at, length, SCORE_BYTES);
    this.writeScore(member, score);
    return member;
  }

  /** The score of a member that is in the table only. */
  writeScore(member: Ref, score: number): void {
    const words = this.heap.words[chunkOf(member)];
    const word = payloadOf(this.heap, member) >>> 2;
    double[0] = score;
    words[word] = halves[0];
    words[word + 1] = halves[1];
  }

  /** Gives all members of the table their place in the order. */
  order(): void {
    this.dict.each((member) => this.tree.insert(this.scoreOf(member), member));
  }
}
