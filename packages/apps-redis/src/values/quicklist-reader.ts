/** A quicklist that is walked and read: what {@link Quicklist} changes. */
import { Listpack } from "../encodings/listpack.js";
import { copyBytes, sameBytes } from "../memory/bytes.js";
import { chunkOf, type Heap, offsetOf, type Ref } from "../memory/heap.js";
import { readLatin1 } from "../memory/latin1.js";
import { countOf, entryOf, isPlain, nextOf, PLAIN_HEAD, prevOf, sizeOf } from "./quicklist-node.js";

/** Bytes of a full node by the usual list-max-listpack-size. */
const USUAL_NODE = 8192;
/** Where a plain node's only element is. */
const ONLY = 1;

export class QuicklistReader {
  head: Ref = 0;
  tail: Ref = 0;
  nodes = 0;
  /** Elements. */
  count = 0;
  /** Where it stands: the node (0: nowhere), the element's index in it, and the element in the node's listpack. */
  node: Ref = 0;
  index = 0;
  p = 0;
  /** Whether that node is plain; else {@link pack} is its listpack. */
  isPlain = false;
  readonly pack = new Listpack(USUAL_NODE);

  constructor(readonly heap: Heap) {}

  // ---- where it stands -------------------------------------------------------------------------------------------------

  /** Goes to the element with this index, over the nodes from the nearer end; -1 is the last one's. False: there is none. */
  seek(index: number): boolean {
    const { heap, count } = this;
    const wanted = index < 0 ? index + count : index;
    if (!(wanted >= 0 && wanted < count)) {
      this.node = 0;
      return false;
    }
    if (wanted <= (count - 1) / 2) {
      let node = this.head;
      let rest = wanted;
      for (let own = countOf(heap, node); rest >= own; own = countOf(heap, node)) {
        rest -= own;
        node = nextOf(heap, node);
      }
      this.enter(node, rest);
    } else {
      let node = this.tail;
      let rest = count - 1 - wanted;
      let own = countOf(heap, node);
      for (; rest >= own; own = countOf(heap, node)) {
        rest -= own;
        node = prevOf(heap, node);
      }
      this.enter(node, own - 1 - rest);
    }
    return true;
  }

  /** Goes to the element after; false, and nowhere, if there is none. */
  next(): boolean {
    this.index++;
    this.p = this.isPlain ? 0 : this.pack.next(this.p);
    return this.p !== 0 || this.nextNode();
  }

  /** Goes to the first element of the node after; false, and nowhere, if there is none. */
  nextNode(): boolean {
    const node = nextOf(this.heap, this.node);
    if (node === 0) this.node = 0;
    else this.enter(node, 0);
    return node !== 0;
  }

  /** Goes to the element before. */
  prev(): boolean {
    this.index--;
    this.p = this.isPlain ? 0 : this.pack.prev(this.p);
    return this.p !== 0 || this.enterBefore(this.node);
  }

  /** Goes to the last element of the node before. */
  protected enterBefore(after: Ref): boolean {
    const node = prevOf(this.heap, after);
    if (node === 0) this.node = 0;
    else this.enter(node, countOf(this.heap, node) - 1);
    return node !== 0;
  }

  protected enter(node: Ref, index: number): void {
    const { heap } = this;
    this.node = node;
    this.index = index;
    this.isPlain = isPlain(heap, node);
    this.p = this.isPlain ? ONLY : this.pack.open(heap, entryOf(heap, node)).seek(index);
  }

  // ---- the element there -----------------------------------------------------------------------------------------------

  /** Bytes of its text. */
  get textSize(): number {
    return this.isPlain ? sizeOf(this.heap, this.node) : this.pack.size(this.p);
  }

  /** Where the text of a plain node's element begins in its entry's chunk. */
  get plainStart(): number {
    return offsetOf(entryOf(this.heap, this.node)) + PLAIN_HEAD;
  }

  get plainBytes(): Uint8Array {
    return this.heap.bytes[chunkOf(entryOf(this.heap, this.node))];
  }

  string(): string {
    if (!this.isPlain) return this.pack.string(this.p);
    return readLatin1(this.plainBytes, this.plainStart, this.plainStart + this.textSize);
  }

  /** Writes its text from `at` on, and returns how many bytes that is. */
  copyTo(target: Uint8Array, at: number): number {
    if (!this.isPlain) return this.pack.copyTo(this.p, target, at);
    const size = this.textSize;
    copyBytes(this.plainBytes, this.plainStart, size, target, at);
    return size;
  }

  equals(text: Uint8Array, at: number, length: number): boolean {
    if (!this.isPlain) return this.pack.equals(this.p, text, at, length);
    return this.textSize === length && sameBytes(this.plainBytes, this.plainStart, text, at, length);
  }
}
