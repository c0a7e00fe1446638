/** SORT and SORT_RO (Redis: sort.c). Texts are compared byte by byte, whatever the locale. */
import type { Db } from "../../keyspace/db.js";
import { Type } from "../../keyspace/types.js";
import type { Ref } from "../../memory/heap.js";
import { readLatin1 } from "../../memory/latin1.js";
import { parseDoubleText } from "../../numbers/doubles.js";
import { type Call, WRONG_TYPE } from "../../server/call.js";
import { orRelease } from "../../values/or-release.js";
import type { Quicklist } from "../../values/quicklist.js";
import { SetValue } from "../../values/set.js";
import { addList, eachElement, newList, openList } from "../../values/stored-list.js";
import { Zset } from "../../values/zset.js";
import { type CommandSpec, type KeySpec, keys } from "../command.js";
import { made } from "./key-event.js";
import { type SortOptions, sortKeys, sortOptions } from "./sort-options.js";
import { untilNul } from "./sort-pattern.js";

/** An element, and what it is compared by; of texts undefined: BY found none. */
interface Weighed {
  element: string;
  score: number;
  text: string | undefined;
}

const set = new SetValue();
const zset = new Zset();

function sort(call: Call, takesStore: boolean): void {
  const options = sortOptions(call, takesStore);
  if (options === undefined) return;
  const { args, db, reply } = call;
  const ref = db.lookup(args.bytes, args.at(1), args.length(1));
  const type = ref === 0 ? Type.LIST : db.typeOf(ref);
  if (type !== Type.LIST && type !== Type.SET && type !== Type.ZSET) return reply.error(WRONG_TYPE);
  // As in Redis, and OBJECT ENCODING tells.
  if (type === Type.ZSET) zset.open(db, ref).becomeLarge();
  let isSorted = !options.isUnsorted;
  if (!isSorted && type === Type.SET && (options.store !== 0 || call.server.outer !== undefined)) {
    // What is stored, or what a script sees, is the same wherever the command runs.
    isSorted = true;
    options.isAlphabetic = true;
    options.by = undefined;
  }
  let elements: string[];
  if (ref === 0) {
    elements = [];
  } else if (isSorted || type === Type.SET) {
    const ordered = isSorted ? inOrder(db, elementsOf(db, ref), options) : elementsOf(db, ref);
    if (ordered === undefined) return reply.error("ERR One or more scores can't be converted into double");
    const { start, end } = limits(ordered.length, options);
    elements = ordered.slice(start, end);
  } else {
    elements = rangeOf(db, ref, options);
  }
  const results = gathered(db, elements, options);
  if (options.store !== 0) return store(call, options.store, results);
  reply.array(results.length);
  for (const one of results) reply.textOrNull(one);
}

/** All elements, in the order that the value has. */
function elementsOf(db: Db, ref: Ref): string[] {
  const elements: string[] = [];
  switch (db.typeOf(ref)) {
    case Type.LIST:
      eachElement(db, ref, (text) => elements.push(text));
      break;
    case Type.SET:
      set.open(db, ref).each((member) => elements.push(member.text));
      break;
    default:
      zset.open(db, ref);
      zset.seek(0);
      do elements.push(readLatin1(zset.text, zset.textAt, zset.textAt + zset.textLength));
      while (zset.step(1));
  }
  return elements;
}

/** Of a list or a sorted set what LIMIT says, in the order that it has: without a look at the others. */
function rangeOf(db: Db, ref: Ref, options: SortOptions): string[] {
  const elements: string[] = [];
  const backwards = options.isDescending;
  const isList = db.typeOf(ref) === Type.LIST;
  const list = isList ? openList(db, ref, 0) : undefined;
  const length = list === undefined ? zset.open(db, ref).length : list.count;
  const { start, end } = limits(length, options);
  if (start === end) return elements;
  const first = backwards ? length - 1 - start : start;
  if (list === undefined) zset.seek(first);
  else list.seek(first);
  while (elements.length !== end - start) {
    if (list === undefined) {
      elements.push(readLatin1(zset.text, zset.textAt, zset.textAt + zset.textLength));
      zset.step(backwards ? -1 : 1);
    } else {
      elements.push(list.string());
      if (backwards) list.prev();
      else list.next();
    }
  }
  return elements;
}

/** undefined: one is to be compared as a number, and is none. */
function inOrder(db: Db, elements: string[], options: SortOptions): string[] | undefined {
  const { by, isAlphabetic } = options;
  const all: Weighed[] = [];
  for (const element of elements) {
    const text = by === undefined ? element : by.lookup(db, element);
    const score = isAlphabetic || text === undefined ? 0 : scoreOf(text);
    if (score === undefined) return undefined;
    all.push({ element, score, text });
  }
  const sign = options.isDescending ? -1 : 1;
  const compare = isAlphabetic ? byText(options) : byScore;
  return all.sort((a, b) => sign * compare(a, b)).map(({ element }) => element);
}

const byScore = (a: Weighed, b: Weighed): number => a.score - b.score || compareTexts(a.element, b.element);

/** Of what is not stored C compares texts, which end at a NUL. */
function byText({ store }: SortOptions): (a: Weighed, b: Weighed) => number {
  const seen = store === 0 ? untilNul : (text: string) => text;
  return ({ text: a }, { text: b }) => {
    if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
    return compareTexts(seen(a), seen(b));
  };
}

const compareTexts = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Below this a double has fewer digits. */
const SMALLEST_NORMAL = 2 ** -1022;

/**
 * By C's strtod, of a whole C string; nothing at all is 0. Unlike elsewhere its ERANGE is an error whatever it is about: also a decimal that is so
 * small that it loses digits.
 */
function scoreOf(text: string): number | undefined {
  const seen = untilNul(text);
  if (seen === "") return 0;
  const score = parseDoubleText(seen.replace(/^[ \t\n\v\f\r]+/, ""));
  const isTiny = score !== undefined && score !== 0 && Math.abs(score) < SMALLEST_NORMAL;
  return isTiny && !/x/i.test(seen) ? undefined : score;
}

/** Of LIMIT: from where to before where. */
function limits(length: number, { start, count }: SortOptions): { start: number; end: number } {
  const size = BigInt(length);
  const from = start < 0n ? 0n : start > size ? size : start;
  const to = count < 0n || from + count > size ? size : from + count;
  return { start: Number(from), end: Number(to) };
}

/** The elements, or of each what GET says. */
function gathered(db: Db, elements: string[], { gets }: SortOptions): (string | undefined)[] {
  if (gets.length === 0) return elements;
  return elements.flatMap((element) => gets.map((get) => get.lookup(db, element)));
}

/** What is not there is stored as an empty text. */
function store(call: Call, i: number, results: (string | undefined)[]): void {
  const { args, db, reply, server } = call;
  const old = db.lookupWrite(args.bytes, args.at(i), args.length(i));
  if (results.length !== 0) {
    if (old !== 0) db.replacing();
    const list = listOf(db, results, server.config.listMaxListpackSize);
    addList(db, args.bytes, args.at(i), args.length(i), list);
    if (old !== 0) db.delete(old);
    made(call, db, i);
    call.changed(i, "l", "sortstore");
    db.keyspace.dirty += results.length - 1;
  } else if (old !== 0) {
    db.delete(old);
    call.changed(i, "g", "del");
  }
  reply.integer(results.length);
}

function listOf({ heap }: Db, texts: readonly (string | undefined)[], setting: number): Quicklist {
  const list = newList(heap, setting);
  return orRelease(list, () => {
    for (const one of texts) {
      const bytes = Buffer.from(one ?? "", "latin1");
      heap.demand(bytes.length);
      list.push(false, bytes, 0, bytes.length);
    }
    return list;
  });
}

const FOUND: KeySpec = {
  flags: "RO access",
  begin: "unknown",
  find: "unknown",
  notes: "The keys of BY and GET: which they are depends on the elements",
};
const STORED: KeySpec = {
  flags: "OW update",
  begin: "unknown",
  find: "unknown",
  notes: "The key of STORE, which may stand anywhere among the options",
};

export const sortCommands: readonly CommandSpec[] = [
  {
    name: "sort",
    arity: -2,
    flags: "write denyoom movablekeys",
    categories: "set sortedset list dangerous",
    group: "generic",
    since: "1.0.0",
    complexity: "O(N+M*log(M)) for N elements of which M are told",
    summary: "The elements of a list, set or sorted set in order, or what keys named by them hold.",
    keys: [...keys("RO access"), FOUND, STORED],
    keysOf: sortKeys,
    handler: (call) => sort(call, true),
  },
  {
    name: "sort_ro",
    arity: -2,
    flags: "readonly movablekeys",
    categories: "set sortedset list dangerous",
    group: "generic",
    since: "7.0.0",
    complexity: "O(N+M*log(M)) for N elements of which M are told",
    summary: "As SORT, without STORE.",
    keys: [...keys("RO access"), FOUND],
    keysOf: () => [1],
    handler: (call) => sort(call, false),
  },
];
