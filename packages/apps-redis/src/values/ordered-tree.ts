/**
 * The elements of a large sorted set in their order, by score and then by member: a B+-tree (Comer, "The Ubiquitous B-Tree", 1979) whose inner
 * nodes know how many elements each child has, so that an element is found by rank, by score and by member in O(log n). It stands where Redis
 * has a skiplist with spans: a lookup touches a handful of blocks, not one for each step, and an element takes some 16 bytes.
 *
 * A member is the record of a hash table, which the set has beside this. Nodes that are left with little are merged with a neighbour.
 */
import { chunkOf, type Heap, offsetOf, type Ref } from "../memory/heap.js";
import { HEADER, keyLengthOf } from "../memory/record.js";
import {
  childOf,
  childWord,
  closeGap,
  compareKey,
  copyEntries,
  countOf,
  dropNode,
  INNER_MOST,
  LEAF_MOST,
  linkBehind,
  memberWord,
  newNode,
  nextOf,
  nodeBytes,
  openGap,
  previousOf,
  scoreDouble,
  setCount,
  sizeWord,
} from "./ordered-node.js";

/** The way down to a leaf: inner nodes, and which child of each. Good for one operation; trees are at most so deep. */
const DEEPEST = 16;
const pathNode = new Uint32Array(DEEPEST);
const pathIndex = new Int32Array(DEEPEST);

export class OrderedTree {
  size = 0;
  /** Bytes of all nodes. */
  bytes = nodeBytes(true);
  private root: Ref;
  /** Levels of inner nodes. */
  private depth = 0;
  /** Where seek() and step() are: an element of a leaf. */
  private leaf: Ref = 0;
  private index = 0;

  constructor(readonly heap: Heap) {
    this.root = newNode(heap, true);
  }

  // ---- finding -------------------------------------------------------------------------------------------------------

  /** Elements with a lower score, or with `orEqual` also those with this one. */
  rankOfScore(score: number, orEqual: boolean): number {
    const { heap } = this;
    let rank = 0;
    let node = this.root;
    for (let level = this.depth; ; level--) {
      const scores = heap.doubles[chunkOf(node)];
      const begin = scoreDouble(node);
      let low = 0;
      let high = countOf(heap, node);
      while (low < high) {
        const middle = (low + high) >>> 1;
        const one = scores[begin + middle];
        if (orEqual ? one <= score : one < score) low = middle + 1;
        else high = middle;
      }
      if (level === 0) return rank + low;
      if (low === 0) return rank;
      rank += this.sizesBefore(node, low - 1);
      node = childOf(heap, node, low - 1);
    }
  }

  /** Elements whose member comes before these bytes, or with `orEqual` also the one that has them: where all scores are the same. */
  rankOfMember(bytes: Uint8Array, at: number, length: number, orEqual: boolean): number {
    const { heap } = this;
    let rank = 0;
    let node = this.root;
    for (let level = this.depth; ; level--) {
      const words = heap.words[chunkOf(node)];
      const begin = memberWord(node, level === 0 ? LEAF_MOST : INNER_MOST);
      let low = 0;
      let high = countOf(heap, node);
      while (low < high) {
        const middle = (low + high) >>> 1;
        const order = compareKey(heap, words[begin + middle] >>> 0, bytes, at, length);
        if (orEqual ? order <= 0 : order < 0) low = middle + 1;
        else high = middle;
      }
      if (level === 0) return rank + low;
      if (low === 0) return rank;
      rank += this.sizesBefore(node, low - 1);
      node = childOf(heap, node, low - 1);
    }
  }

  /** The rank of an element that is there. */
  rankOf(score: number, member: Ref): number {
    const found = this.descend(score, member);
    let rank = found - 1;
    for (let d = 0; d < this.depth; d++) rank += this.sizesBefore(pathNode[d], pathIndex[d]);
    return rank;
  }

  /** Goes to the element of this rank, which is there. */
  seek(rank: number): void {
    const { heap } = this;
    let node = this.root;
    let rest = rank;
    for (let level = this.depth; level !== 0; level--) {
      const words = heap.words[chunkOf(node)];
      const size = sizeWord(node);
      let i = 0;
      for (; rest >= words[size + i]; i++) rest -= words[size + i];
      node = childOf(heap, node, i);
    }
    this.leaf = node;
    this.index = rest;
  }

  /** Goes on to the next element, or with -1 to the one before; false: there is none. */
  step(by: 1 | -1): boolean {
    this.index += by;
    if (this.index >= 0 && this.index < countOf(this.heap, this.leaf)) return true;
    this.leaf = by === 1 ? nextOf(this.heap, this.leaf) : previousOf(this.heap, this.leaf);
    if (this.leaf === 0) return false;
    this.index = by === 1 ? 0 : countOf(this.heap, this.leaf) - 1;
    return true;
  }

  /** Of where seek() and step() are. */
  get score(): number {
    return this.heap.doubles[chunkOf(this.leaf)][scoreDouble(this.leaf) + this.index];
  }

  get member(): Ref {
    return this.heap.words[chunkOf(this.leaf)][memberWord(this.leaf, LEAF_MOST) + this.index] >>> 0;
  }

  // ---- changing ------------------------------------------------------------------------------------------------------

  /** Adds an element that is not there. */
  insert(score: number, member: Ref): void {
    const { heap } = this;
    const at = this.descend(score, member);
    const leaf = this.leaf;
    this.size++;
    if (at === 0) this.firstBecomes(this.depth, score, member);
    if (countOf(heap, leaf) < LEAF_MOST) {
      put(heap, leaf, at, score, member);
      for (let d = 0; d < this.depth; d++) this.resizeChild(pathNode[d], pathIndex[d], 1);
      return;
    }
    const isLast = at === LEAF_MOST && nextOf(heap, leaf) === 0;
    const right = this.split(leaf, true, isLast ? LEAF_MOST : LEAF_MOST >>> 1);
    const left = countOf(heap, leaf);
    if (at <= left && !isLast) put(heap, leaf, at, score, member);
    else put(heap, right, at - left, score, member);
    this.addSibling(right, countOf(heap, right));
  }

  /** Takes out an element that is there. */
  remove(score: number, member: Ref): void {
    this.removeFound(this.descend(score, member) - 1);
  }

  /** Takes out the element of this rank, and returns its member. */
  removeAt(rank: number): Ref {
    const { heap } = this;
    let node = this.root;
    let rest = rank;
    for (let d = 0; d < this.depth; d++) {
      const words = heap.words[chunkOf(node)];
      const size = sizeWord(node);
      let i = 0;
      for (; rest >= words[size + i]; i++) rest -= words[size + i];
      pathNode[d] = node;
      pathIndex[d] = i;
      node = childOf(heap, node, i);
    }
    this.leaf = node;
    this.index = rest;
    const member = this.member;
    this.removeFound(rest);
    return member;
  }

  /** An element that is there gets another score. */
  move(from: number, to: number, member: Ref): void {
    const { heap } = this;
    const i = this.descend(from, member) - 1;
    const scores = heap.doubles[chunkOf(this.leaf)];
    const at = scoreDouble(this.leaf) + i;
    // Where it stays between its neighbours nothing moves.
    if (i !== 0 && i + 1 < countOf(heap, this.leaf) && scores[at - 1] < to && to < scores[at + 1]) {
      scores[at] = to;
      return;
    }
    this.removeFound(i);
    this.insert(to, member);
  }

  /** Frees nodes, for at most `most` elements; true when there are none left. The tree is good for nothing after the first call. */
  release(most: number): boolean {
    const { heap } = this;
    while (this.root !== 0) {
      // The level below begins with the first child of this one's first node.
      if (this.below === 0 && this.depth !== 0) this.below = childOf(heap, this.root, 0);
      most -= countOf(heap, this.root);
      const next = nextOf(heap, this.root);
      heap.free(this.root);
      this.root = next;
      if (next === 0 && this.depth !== 0) {
        this.root = this.below;
        this.depth--;
        this.below = 0;
      }
      if (most <= 0 && this.root !== 0) return false;
    }
    return true;
  }
  private below: Ref = 0;

  // ---- nodes -----------------------------------------------------------------------------------------------------------

  /** Goes to the leaf where an element belongs, and returns how many of that come before it or are it. */
  private descend(score: number, member: Ref): number {
    const { heap } = this;
    const bytes = heap.bytes[chunkOf(member)];
    const at = offsetOf(member) + HEADER;
    const length = keyLengthOf(heap, member);
    let node = this.root;
    for (let d = 0; ; d++) {
      const isLeaf = d === this.depth;
      const scores = heap.doubles[chunkOf(node)];
      const words = heap.words[chunkOf(node)];
      const begin = scoreDouble(node);
      const members = memberWord(node, isLeaf ? LEAF_MOST : INNER_MOST);
      let low = 0;
      let high = countOf(heap, node);
      while (low < high) {
        const middle = (low + high) >>> 1;
        const one = scores[begin + middle];
        if (one < score || (one === score && compareKey(heap, words[members + middle] >>> 0, bytes, at, length) <= 0)) {
          low = middle + 1;
        } else {
          high = middle;
        }
      }
      if (isLeaf) {
        this.leaf = node;
        return low;
      }
      const i = low === 0 ? 0 : low - 1;
      pathNode[d] = node;
      pathIndex[d] = i;
      node = childOf(heap, node, i);
    }
  }

  private sizesBefore(node: Ref, i: number): number {
    const words = this.heap.words[chunkOf(node)];
    const size = sizeWord(node);
    let sum = 0;
    for (let n = 0; n < i; n++) sum += words[size + n];
    return sum;
  }

  private resizeChild(node: Ref, i: number, by: number): void {
    this.heap.words[chunkOf(node)][sizeWord(node) + i] += by;
  }

  /** The node at depth `d` of the way begins with another element now: so its ancestors say. */
  private firstBecomes(d: number, score: number, member: Ref): void {
    while (d-- !== 0) {
      const node = pathNode[d];
      const i = pathIndex[d];
      this.heap.doubles[chunkOf(node)][scoreDouble(node) + i] = score;
      this.heap.words[chunkOf(node)][memberWord(node, INNER_MOST) + i] = member;
      if (i !== 0) return;
    }
  }

  /** A new node behind this one, with its entries from `at` on. */
  private split(node: Ref, isLeaf: boolean, at: number): Ref {
    const { heap } = this;
    const right = newNode(heap, isLeaf);
    this.bytes += nodeBytes(isLeaf);
    const count = countOf(heap, node);
    copyEntries(heap, node, at, count, right, 0, isLeaf);
    setCount(heap, node, at);
    setCount(heap, right, count - at);
    linkBehind(heap, node, right);
    return right;
  }

  /** The leaf at the end of the way got one more, and was split: inner nodes are told, and split too where they are full. */
  private addSibling(added: Ref, addedSize: number): void {
    const { heap } = this;
    let right = added;
    let size = addedSize;
    for (let d = this.depth; d-- !== 0; ) {
      const node = pathNode[d];
      const i = pathIndex[d];
      this.resizeChild(node, i, 1 - size);
      if (right === 0) continue;
      let target = node;
      let at = i + 1;
      let sibling = 0;
      if (countOf(heap, node) === INNER_MOST) {
        const isLast = at === INNER_MOST && nextOf(heap, node) === 0;
        const half = isLast ? INNER_MOST - 1 : INNER_MOST >>> 1;
        sibling = this.split(node, false, half);
        if (at > half) {
          target = sibling;
          at -= half;
        }
      }
      putChild(heap, target, at, right, size, d + 1 === this.depth);
      right = sibling;
      size = sibling === 0 ? 0 : this.sizesBefore(sibling, countOf(heap, sibling));
    }
    if (right === 0) return;
    const root = newNode(heap, false);
    this.bytes += nodeBytes(false);
    putChild(heap, root, 0, this.root, this.size - size, this.depth === 0);
    putChild(heap, root, 1, right, size, this.depth === 0);
    this.root = root;
    this.depth++;
  }

  /** Takes entry `i` out of the leaf at the end of the way. */
  private removeFound(i: number): void {
    const { heap } = this;
    const { leaf } = this;
    this.size--;
    closeGap(heap, leaf, i, true);
    for (let d = 0; d < this.depth; d++) this.resizeChild(pathNode[d], pathIndex[d], -1);
    if (i === 0 && countOf(heap, leaf) !== 0) this.tellFirst(leaf, this.depth);
    for (let d = this.depth; d-- !== 0; ) {
      if (!this.shrink(d)) break;
    }
    while (this.depth !== 0 && countOf(heap, this.root) === 1) {
      const only = childOf(heap, this.root, 0);
      heap.free(this.root);
      this.bytes -= nodeBytes(false);
      this.root = only;
      this.depth--;
    }
  }

  private tellFirst(node: Ref, d: number): void {
    const most = d === this.depth ? LEAF_MOST : INNER_MOST;
    const member = this.heap.words[chunkOf(node)][memberWord(node, most)] >>> 0;
    this.firstBecomes(d, this.heap.doubles[chunkOf(node)][scoreDouble(node)], member);
  }

  /** The child on the way at depth `d` has one less: it goes if it has none, or little beside a neighbour with room. True: its parent has one less, too. */
  private shrink(d: number): boolean {
    const { heap } = this;
    const node = pathNode[d];
    const i = pathIndex[d];
    const isLeaf = d + 1 === this.depth;
    const most = isLeaf ? LEAF_MOST : INNER_MOST;
    const child = childOf(heap, node, i);
    const count = countOf(heap, child);
    if (count !== 0) {
      if (count >= most >>> 2) return false;
      const room = most - (most >>> 2) - count;
      const children = countOf(heap, node);
      if (i + 1 < children && countOf(heap, childOf(heap, node, i + 1)) <= room) this.merge(node, i, isLeaf);
      else if (i !== 0 && countOf(heap, childOf(heap, node, i - 1)) <= room) this.merge(node, i - 1, isLeaf);
      else return false;
      return true;
    }
    dropNode(heap, child);
    this.bytes -= nodeBytes(isLeaf);
    closeGap(heap, node, i, false);
    if (i === 0 && countOf(heap, node) !== 0) this.tellFirst(node, d);
    return true;
  }

  /** Child `i` takes what the next one has. */
  private merge(node: Ref, i: number, isLeaf: boolean): void {
    const { heap } = this;
    const left = childOf(heap, node, i);
    const right = childOf(heap, node, i + 1);
    const count = countOf(heap, left);
    const more = countOf(heap, right);
    copyEntries(heap, right, 0, more, left, count, isLeaf);
    setCount(heap, left, count + more);
    this.resizeChild(node, i, heap.words[chunkOf(node)][sizeWord(node) + i + 1]);
    dropNode(heap, right);
    this.bytes -= nodeBytes(isLeaf);
    closeGap(heap, node, i + 1, false);
  }
}

function put(heap: Heap, node: Ref, i: number, score: number, member: Ref): void {
  openGap(heap, node, i, true);
  heap.doubles[chunkOf(node)][scoreDouble(node) + i] = score;
  heap.words[chunkOf(node)][memberWord(node, LEAF_MOST) + i] = member;
}

function putChild(heap: Heap, node: Ref, i: number, child: Ref, size: number, isLeaf: boolean): void {
  openGap(heap, node, i, false);
  const words = heap.words[chunkOf(node)];
  const most = isLeaf ? LEAF_MOST : INNER_MOST;
  heap.doubles[chunkOf(node)][scoreDouble(node) + i] = heap.doubles[chunkOf(child)][scoreDouble(child)];
  words[memberWord(node, INNER_MOST) + i] = heap.words[chunkOf(child)][memberWord(child, most)];
  words[childWord(node) + i] = child;
  words[sizeWord(node) + i] = size;
}
