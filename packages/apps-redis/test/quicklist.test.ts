import { chunkOf, Heap, offsetOf } from "../src/memory/heap.js";
import { readLatin1 } from "../src/memory/latin1.js";
import { Quicklist } from "../src/values/quicklist.js";
import { fillOf, limits } from "../src/values/quicklist-limits.js";
import { countOf, entryOf, isPlain, nextOf, PLAIN_HEAD, prevOf, sizeOf } from "../src/values/quicklist-node.js";
import { rdbString } from "./dump.js";
import { Random } from "./random.js";
import { besideRedis } from "./redis-server.js";

type Word = string | number;

/** Each node as DUMP has it: 1 for plain, 2 for packed, and its bytes. */
function nodesOf(list: Quicklist): [number, string][] {
  const { heap } = list;
  const nodes: [number, string][] = [];
  let prev = 0;
  let count = 0;
  for (let node = list.head; node !== 0; prev = node, node = nextOf(heap, node)) {
    if (prevOf(heap, node) !== prev) throw new Error("linked in one direction only");
    const plain = isPlain(heap, node);
    const entry = entryOf(heap, node);
    const at = offsetOf(entry) + (plain ? PLAIN_HEAD : 0);
    nodes.push([plain ? 1 : 2, readLatin1(heap.bytes[chunkOf(entry)], at, at + sizeOf(heap, node))]);
    count += countOf(heap, node);
  }
  if (list.tail !== prev || list.nodes !== nodes.length || list.count !== count) throw new Error("counted wrongly");
  return nodes;
}

/** The nodes in a DUMP of a list. */
function nodesIn(dump: string): [number, string][] {
  const first = dump.charCodeAt(1);
  const count = first < 64 ? first : ((first & 63) << 8) | dump.charCodeAt(2);
  const nodes: [number, string][] = [];
  let at = first < 64 ? 2 : 3;
  for (let i = 0; i < count; i++) {
    const { text, end } = rdbString(dump, at + 1);
    nodes.push([dump.charCodeAt(at), text]);
    at = end;
  }
  return nodes;
}

/** Changes the list at random; returns the same as a command. */
function change(list: Quicklist, random: Random): Word[] {
  const length = random.below(10) === 0 ? random.below(9000) : random.below(60);
  const value = random.below(3) === 0 ? random.integerText() : random.bytes(length);
  const bytes = Buffer.from(value, "latin1");
  const { count } = list;
  const kind = random.below(count < 12 ? 4 : 11);
  if (kind < 4) {
    const atHead = random.below(2) === 0;
    list.push(atHead, bytes, 0, bytes.length);
    return [atHead ? "LPUSH" : "RPUSH", "l", value];
  }
  if (kind === 4) {
    const atHead = random.below(2) === 0;
    list.seek(atHead ? 0 : -1);
    list.remove(!atHead);
    return [atHead ? "LPOP" : "RPOP", "l"];
  }
  const index = random.below(count);
  if (kind === 5) {
    list.seek(random.below(2) === 0 ? index : index - count);
    list.replace(bytes, 0, bytes.length);
    return ["LSET", "l", index, value];
  }
  if (kind === 6) {
    const start = random.below(3);
    const end = count - random.below(random.below(4) === 0 ? count - start : 3);
    list.removeRange(0, start);
    list.removeRange(end - start, count - end);
    return ["LTRIM", "l", start, end - 1];
  }
  list.seek(index);
  const pivot = list.string();
  const text = Buffer.from(pivot, "latin1");
  if (kind === 7) {
    const backwards = random.below(2) === 0;
    for (let there = list.seek(backwards ? -1 : 0); there; ) {
      if (list.equals(text, 0, text.length)) there = list.remove(backwards);
      else there = backwards ? list.prev() : list.next();
    }
    return ["LREM", "l", backwards ? -count : 0, pivot];
  }
  list.seek(0);
  while (!list.equals(text, 0, text.length)) list.next();
  const after = random.below(2) === 0;
  list.insert(after, bytes, 0, bytes.length);
  return ["LINSERT", "l", after ? "AFTER" : "BEFORE", pivot, value];
}

besideRedis("nodes are redis-server's", ["--rdbcompression", "no", "--enable-debug-command", "yes"], (redis) => {
  afterEach(() => limits.setPackedThreshold(0));

  test.each([
    [-2, 0],
    [-1, 0],
    [-5, 0],
    [-9, 0],
    [0, 0],
    [1, 0],
    [3, 0],
    [16, 0],
    [40_000, 0],
    [-2, 30],
    [4, 20],
  ])("list-max-listpack-size %i, packed threshold %i", async (setting, threshold) => {
    const random = new Random(`quicklist ${setting} ${threshold}`);
    const heap = new Heap();
    const list = new Quicklist(heap);
    list.fill = fillOf(setting);
    limits.setPackedThreshold(threshold);
    const commands: Word[][] = [];
    const ours: [number, string][][] = [];
    for (let step = 0; step < 300; step++) {
      const command = change(list, random);
      commands.push(command, ["DUMP", "l"]);
      ours.push(nodesOf(list));
    }
    const before = [
      ["DEL", "l"],
      ["CONFIG", "SET", "list-max-listpack-size", setting],
      ["DEBUG", "QUICKLIST-PACKED-THRESHOLD", `${threshold}b`],
    ];
    const replies = (await redis().call([...before, ...commands])).slice(before.length);
    for (let i = 0; i < ours.length; i++) {
      const dump = replies[2 * i + 1] as string | null;
      const theirs = dump === null ? [] : nodesIn(dump);
      if (JSON.stringify(theirs) === JSON.stringify(ours[i])) continue;
      const sizes = (nodes: [number, string][]) => nodes.map(([kind, bytes]) => [kind, bytes.length]);
      expect([i, commands[2 * i].map((word) => String(word).slice(0, 40)), sizes(ours[i])]).toEqual([
        i,
        commands[2 * i].map((word) => String(word).slice(0, 40)),
        sizes(theirs),
      ]);
      throw new Error("the bytes of a node differ");
    }
    list.release(Number.POSITIVE_INFINITY);
    expect(heap.used).toBe(0);
  });
});

test("what is freed in parts leaves nothing", () => {
  const heap = new Heap();
  const list = new Quicklist(heap);
  list.fill = 1;
  for (let i = 0; i < 100; i++) list.push(i % 2 === 0, Buffer.from(String(i)), 0, String(i).length);
  expect([list.size, list.bytes() >= 100 * 24]).toEqual([100, true]);
  expect([list.release(60), list.release(39), list.release(1)]).toEqual([false, false, true]);
  expect(heap.used).toBe(0);
});
