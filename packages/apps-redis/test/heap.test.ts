import { chunkOf, Heap, offsetOf, type Ref } from "../src/memory/heap.js";
import { Random } from "./random.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const CHUNK = 128 * MIB;
/** Steps of 8 to 128, and four to each doubling to 32 KiB. */
const CLASSES = 16 + 4 * 8;
/** The first span of all is never handed out. */
const FIRST = 1;
/** Sizes at the edges of classes, spans and chunks. */
const EDGES = [
  1,
  7,
  8,
  9,
  128,
  129,
  160,
  161,
  32 * KIB - 1,
  32 * KIB,
  32 * KIB + 1,
  64 * KIB,
  64 * KIB + 1,
  16 * MIB - 1,
];

/** The first and last bytes of a block, and one between: what it was filled with. */
function fill(heap: Heap, ref: Ref, size: number, mark: number): void {
  const bytes = heap.bytes[chunkOf(ref)];
  const at = offsetOf(ref);
  if (size < 4096) bytes.fill(mark, at, at + size);
  else for (const i of [0, 1, size >> 1, size - 2, size - 1]) bytes[at + i] = mark;
}

function isFilled(heap: Heap, ref: Ref, size: number, mark: number): boolean {
  const bytes = heap.bytes[chunkOf(ref)];
  const at = offsetOf(ref);
  if (size >= 4096) return [0, 1, size >> 1, size - 2, size - 1].every((i) => bytes[at + i] === mark);
  for (let i = 0; i < size; i++) if (bytes[at + i] !== mark) return false;
  return true;
}

interface Block {
  ref: Ref;
  size: number;
  mark: number;
}

function sizeOf(random: Random): number {
  const kind = random.below(100);
  if (kind < 70) return 1 + random.below(200);
  if (kind < 90) return 1 + random.below(5000);
  return kind < 98 ? 1 + random.below(200 * KIB) : random.pick(EDGES);
}

test("blocks keep what is in them while others come, go and grow, and all memory comes back", () => {
  const random = new Random("heap");
  const heap = new Heap();
  const blocks: Block[] = [];
  let expected = 0;
  const release = (index: number) => {
    const [block] = blocks.splice(index, 1);
    if (!isFilled(heap, block.ref, block.size, block.mark)) throw new Error(`a block of ${block.size} has changed`);
    expected -= heap.capacity(block.ref);
    heap.free(block.ref);
  };
  for (let step = 0; step < 40_000; step++) {
    const isGrowing = step % 20_000 < 10_000;
    const kind = random.below(10);
    if (blocks.length === 0 || kind < (isGrowing ? 5 : 2)) {
      const size = sizeOf(random);
      const mark = random.below(256);
      const ref = heap.alloc(size);
      if (heap.capacity(ref) < size || heap.capacity(ref) !== heap.capacityFor(size))
        throw new Error(`room for ${size}`);
      expected += heap.capacity(ref);
      fill(heap, ref, size, mark);
      blocks.push({ ref, size, mark });
    } else if (kind < 8) {
      release(random.below(blocks.length));
    } else {
      const block = random.pick(blocks);
      const size = random.below(2) === 0 ? sizeOf(random) : block.size + random.below(40);
      expected -= heap.capacity(block.ref);
      const keep = Math.min(size, block.size);
      const isWhole = block.size < 4096 && size < 4096;
      block.ref = heap.resize(block.ref, size, keep);
      if (isWhole && !isFilled(heap, block.ref, keep, block.mark)) throw new Error(`resize ${block.size} to ${size}`);
      block.size = size;
      expected += heap.capacity(block.ref);
      fill(heap, block.ref, size, block.mark);
    }
    if (heap.used !== expected) throw new Error(`step ${step}: ${heap.used} are used, not ${expected}`);
  }
  while (blocks.length !== 0) release(random.below(blocks.length));
  expect(heap.used).toBe(0);
  // All of it but a span for each class is there for other blocks.
  const { reserved } = heap;
  const spans = reserved / (64 * KIB) - CLASSES - FIRST;
  for (let i = 0; i < spans; i++) heap.alloc(64 * KIB);
  expect(heap.reserved).toBe(reserved);
});

test("a Ref is an integer of 32 bits and never 0, and a block begins at 8 bytes", () => {
  const heap = new Heap();
  for (let i = 0; i < 20_000; i++) {
    const ref = heap.alloc(1 + (i % 9));
    if (ref <= 0 || !Number.isInteger(ref) || ref >= 2 ** 32 || offsetOf(ref) % 8 !== 0) throw new Error(String(ref));
  }
});

test("a block takes at most a quarter more than was asked for", () => {
  const heap = new Heap();
  for (let size = 1; size <= 32 * KIB; size++) {
    const room = heap.capacityFor(size);
    if (room < size || room > Math.max(size + 7, size * 1.25)) throw new Error(`${room} for ${size}`);
  }
  expect(heap.capacityFor(32 * KIB + 1)).toBe(64 * KIB);
  expect(heap.capacityFor(CHUNK + 1)).toBe(CHUNK + 64 * KIB);
});

test("blocks up to a chunk, and larger ones", () => {
  const heap = new Heap();
  const small = heap.alloc(100);
  for (const size of [CHUNK - 64 * KIB, CHUNK, CHUNK + 1, CHUNK + 24 * MIB]) {
    const ref = heap.alloc(size);
    expect(heap.capacity(ref)).toBe(heap.capacityFor(size));
    fill(heap, ref, size, 77);
    const grown = heap.resize(ref, size + 64 * KIB, size);
    expect(isFilled(heap, grown, size, 77)).toBe(true);
    const shrunk = heap.resize(grown, 50, 2);
    expect(isFilled(heap, shrunk, 2, 77)).toBe(true);
    heap.free(shrunk);
  }
  heap.free(small);
  expect([heap.used, heap.reserved]).toEqual([0, CHUNK]);
});

test("memory that was used for one size is there for others", () => {
  const heap = new Heap();
  let most = 0;
  for (const size of [16, 700, 9000, 30_000, 100_000, 2 * MIB, 24]) {
    const refs: Ref[] = [];
    // More than a chunk has, but for the smallest, of which that would be many millions.
    const total = size < 100 ? 28 * MIB : (CHUNK / 16) * 28;
    for (let bytes = 0; bytes < total; bytes += heap.capacityFor(size)) refs.push(heap.alloc(size));
    for (const ref of refs) heap.free(ref);
    most = Math.max(most, heap.reserved);
    expect(heap.used).toBe(0);
  }
  // A class may keep a span of its own, in a chunk that stays with it.
  expect(most).toBeLessThanOrEqual(4 * CHUNK);
});

test("the last free span of a chunk can come and go for ever", () => {
  const heap = new Heap();
  const small = heap.alloc(64);
  const rest = heap.alloc(CHUNK - 128 * KIB);
  for (let i = 0; i < 1000; i++) heap.free(heap.alloc(64 * KIB));
  // The chunk that comes and goes has the same memory each time, until it was not needed for a while.
  heap.free(heap.alloc(64 * KIB));
  const memory = (): unknown => (heap as unknown as { spare: ArrayBuffer | undefined }).spare;
  const before = memory();
  expect(before).toBeDefined();
  heap.free(heap.alloc(64 * KIB));
  expect(memory()).toBe(before);
  for (let i = 0; i < 20; i++) heap.tend();
  expect(memory()).not.toBe(before);
  // Its list of chunks with free spans is no longer than there are such chunks.
  expect((heap as unknown as { roomy: number[] }).roomy.length).toBeLessThanOrEqual(1);
  heap.free(rest);
  heap.free(small);
});

test.each([64 * KIB, CHUNK, CHUNK + MIB])(
  "a first block of %d bytes has a name, and so has a large one where it was",
  (size) => {
    const heap = new Heap();
    const first = heap.alloc(size);
    expect(first).not.toBe(0);
    heap.free(first);
    heap.free(heap.alloc(8));
    expect(heap.alloc(64 * KIB)).not.toBe(0);
  },
);

test("a block that goes on growing moves seldom, and wastes nothing once it is as large as it gets", () => {
  const heap = new Heap();
  const most = 8 * KIB;
  let ref = heap.alloc(8);
  fill(heap, ref, 8, 1);
  let moves = 0;
  for (let size = 9; size <= most; size++) {
    const grown = heap.resizeAhead(ref, size, size - 1, most);
    if (grown !== ref) moves++;
    ref = grown;
    heap.bytes[chunkOf(ref)].fill(1, offsetOf(ref) + size - 1, offsetOf(ref) + size);
    if (heap.capacity(ref) > Math.max(size * 2, 64)) throw new Error(`${heap.capacity(ref)} for ${size}`);
  }
  expect(isFilled(heap, ref, most, 1)).toBe(true);
  expect(moves).toBeLessThan(24);
  expect(heap.capacity(ref)).toBe(most);
  // Beyond that each step is as small as resize() makes it.
  ref = heap.resizeAhead(ref, most + 1, most, most);
  expect(heap.capacity(ref)).toBe(heap.capacityFor(most + 1));
  for (let size = most; size > 0; size -= 100) {
    ref = heap.resizeAhead(ref, size, size, most);
    if (heap.capacity(ref) > Math.max(size * 2, 64)) throw new Error(`${heap.capacity(ref)} for ${size}`);
  }
  heap.free(ref);
  expect(heap.used).toBe(0);
});
