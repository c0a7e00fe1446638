/** The index of a stream's nodes and of pending entries beside a sorted array, and the radix tree's nodes beside a tree that is built. */
import { Heap } from "../src/memory/heap.js";
import { nodesOf } from "../src/values/radix-nodes.js";
import { StreamId } from "../src/values/stream-id.js";
import { NONE, StreamIndex } from "../src/values/stream-index.js";
import { Random } from "./random.js";

const random = new Random("stream index");

/** Ids that share bytes with others in all places. */
function someId(): StreamId {
  const word = () => random.pick([0, 1, 0x80000000, 0xffffffff, random.below(300) << (8 * random.below(4))]);
  return new StreamId().set(word(), word(), word(), random.below(2000));
}

const bytesOf = (id: StreamId): number[] => {
  const bytes = new Uint8Array(16);
  id.write(bytes, 0);
  return [...bytes];
};

/** Nodes of a radix tree of these keys below `depth`: a chain is one, a fork is one, and an end. */
function treeNodes(keys: readonly number[][], depth = 0): number {
  if (keys.length === 0) return 1;
  let end = depth;
  while (end < 16 && keys.every((key) => key[end] === keys[0][end])) end++;
  const chain = end > depth ? 1 : 0;
  if (end === 16) return chain + 1;
  const children = new Map<number, number[][]>();
  for (const key of keys) children.set(key[end], [...(children.get(key[end]) ?? []), key]);
  return [...children.values()].reduce((sum, child) => sum + treeNodes(child, end + 1), chain + 1);
}

test("what is added and removed in any order is found, in order", () => {
  const heap = new Heap();
  const used = heap.used;
  const index = new StreamIndex(heap);
  let model: StreamId[] = [];
  const id = new StreamId();
  for (const grows of [0.9, 0.3, 0.7, 0.05]) {
    for (let i = 0; i < 2000; i++) {
      if (random.below(100) < grows * 100 || model.length === 0) {
        const made = someId();
        const at = model.findIndex((one) => one.compare(made) >= 0);
        if (at >= 0 && model[at].compare(made) === 0) {
          expect(index.find(made)).not.toBe(0);
          continue;
        }
        index.add(made, i + 1);
        model.splice(at < 0 ? model.length : at, 0, made);
      } else {
        const [gone] = model.splice(random.below(model.length), 1);
        expect(index.remove(gone)).not.toBe(0);
        expect(index.remove(gone)).toBe(0);
      }
    }
    expect(index.size).toBe(model.length);
    const forward: string[] = [];
    for (let at = index.first(); at !== NONE; at = index.next(at)) forward.push(index.idAt(at, id).text);
    const backward: string[] = [];
    for (let at = index.last(); at !== NONE; at = index.prev(at)) backward.push(index.idAt(at, id).text);
    const expected = model.map((one) => one.text);
    expect(forward).toEqual(expected);
    expect(backward.reverse()).toEqual(expected);
    for (let i = 0; i < 300; i++) {
      const sought = someId();
      const after = index.atOrAfter(sought);
      const before = index.atOrBefore(sought);
      const follows = model.find((one) => one.compare(sought) >= 0);
      const precedes = model.filter((one) => one.compare(sought) <= 0).at(-1);
      expect(after === NONE ? undefined : index.idAt(after, id).text).toBe(follows?.text);
      expect(before === NONE ? undefined : index.idAt(before, id).text).toBe(precedes?.text);
    }
  }
  model = [];
  expect(index.drain(Number.POSITIVE_INFINITY, () => {})).toBe(true);
  expect(heap.used).toBe(used);
});

test("nodes of the radix tree, by what each key adds and takes away", () => {
  const index = new StreamIndex(new Heap());
  const held: StreamId[] = [];
  let nodes = 1;
  for (let i = 0; i < 600; i++) {
    if (random.below(3) !== 0 || held.length === 0) {
      const id = someId();
      if (index.find(id) !== 0) continue;
      nodes += nodesOf(index, id);
      index.add(id, 1);
      held.push(id);
    } else {
      const [id] = held.splice(random.below(held.length), 1);
      index.remove(id);
      nodes -= nodesOf(index, id);
    }
    expect(nodes).toBe(treeNodes(held.map(bytesOf)));
  }
});
