/** LCS: the longest common subsequence of two strings, by the table of the lengths for all pairs of beginnings. */
import { Type } from "../../keyspace/types.js";
import { chunkOf, type Ref } from "../../memory/heap.js";
import type { Integer } from "../../numbers/integers.js";
import type { Call } from "../../server/call.js";

/** Bytes of one in the table. */
const LENGTH_BYTES = 4;

/** Where both strings have the same bytes: first and last index in one and in the other. */
type Match = readonly [aFirst: number, aLast: number, bFirst: number, bLast: number];

interface Wanted {
  length: boolean;
  indices: boolean;
  withLength: boolean;
  /** Shorter matches are not told. */
  least: Integer;
}

export function lcs(call: Call): void {
  const { reply } = call;
  const a = stringOf(call, 1);
  const b = stringOf(call, 2);
  if (a === undefined || b === undefined) return reply.error("ERR The specified keys must contain string values");
  const wanted = parse(call);
  if (wanted === undefined) return;
  if (wanted.length && wanted.indices) {
    return reply.error("ERR If you want both the length and indexes, please just use IDX.");
  }
  const cells = (a.length + 1) * (b.length + 1);
  if (cells * LENGTH_BYTES > call.server.config.protoMaxBulkLen) {
    return reply.error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len");
  }
  let table: Uint32Array;
  try {
    table = new Uint32Array(cells);
  } catch {
    return reply.error("ERR Insufficient memory, failed allocating transient memory for LCS");
  }
  fill(table, a, b);
  const length = table[cells - 1];
  if (wanted.indices) {
    const all = matches(table, a, b).filter(([first, last]) => last - first + 1 >= wanted.least);
    reply.map(2);
    reply.text("matches");
    reply.array(all.length);
    for (const match of all) replyMatch(call, match, wanted.withLength);
    reply.text("len");
    reply.integer(length);
  } else if (wanted.length) {
    reply.integer(length);
  } else {
    const common = commonBytes(table, a, b, length);
    reply.bulk(common, 0, length);
  }
}

/** The bytes of the string that argument `i` names; undefined: it holds something else. */
function stringOf({ args, db }: Call, i: number): Uint8Array | undefined {
  const ref: Ref = db.lookup(args.bytes, args.at(i), args.length(i));
  if (ref === 0) return new Uint8Array(0);
  if (db.typeOf(ref) !== Type.STRING) return undefined;
  const at = db.stringAt(ref);
  return db.heap.bytes[chunkOf(ref)].subarray(at, at + db.stringLength(ref));
}

function parse(call: Call): Wanted | undefined {
  const { args } = call;
  const wanted: Wanted = { length: false, indices: false, withLength: false, least: 0 };
  for (let i = 3; i < args.count; i++) {
    if (args.is(i, "idx")) {
      wanted.indices = true;
    } else if (args.is(i, "len")) {
      wanted.length = true;
    } else if (args.is(i, "withmatchlen")) {
      wanted.withLength = true;
    } else if (args.is(i, "minmatchlen") && i + 1 < args.count) {
      const least = call.long(++i);
      if (least === undefined) return undefined;
      wanted.least = least;
    } else {
      call.syntaxError();
      return undefined;
    }
  }
  return wanted;
}

/** Row i, column j: the length for the first i bytes of `a` and the first j of `b`. */
function fill(table: Uint32Array, a: Uint8Array, b: Uint8Array): void {
  const columns = b.length + 1;
  for (let i = 1; i <= a.length; i++) {
    const byte = a[i - 1];
    const row = i * columns;
    let left = 0;
    for (let j = 1; j <= b.length; j++) {
      const above = table[row - columns + j];
      if (byte === b[j - 1]) left = table[row - columns + j - 1] + 1;
      else if (above > left) left = above;
      table[row + j] = left;
    }
  }
}

/** Goes back through the table from its end; `found` is told each pair of equal bytes. Where both ways are as good, `b` gets shorter. */
function walk(table: Uint32Array, a: Uint8Array, b: Uint8Array, found: (i: number, j: number) => void): void {
  const columns = b.length + 1;
  for (let i = a.length, j = b.length; i > 0 && j > 0; ) {
    if (a[i - 1] === b[j - 1]) found(--i, --j);
    else if (table[(i - 1) * columns + j] > table[i * columns + j - 1]) i--;
    else j--;
  }
}

function commonBytes(table: Uint32Array, a: Uint8Array, b: Uint8Array, length: number): Uint8Array {
  const common = new Uint8Array(length);
  let at = length;
  walk(table, a, b, (i) => {
    common[--at] = a[i];
  });
  return common;
}

/** From the last to the first. */
function matches(table: Uint32Array, a: Uint8Array, b: Uint8Array): Match[] {
  const all: [number, number, number, number][] = [];
  walk(table, a, b, (i, j) => {
    const last = all.at(-1);
    if (last !== undefined && last[0] === i + 1 && last[2] === j + 1) {
      last[0] = i;
      last[2] = j;
    } else {
      all.push([i, i, j, j]);
    }
  });
  return all;
}

function replyMatch({ reply }: Call, [aFirst, aLast, bFirst, bLast]: Match, withLength: boolean): void {
  reply.array(withLength ? 3 : 2);
  reply.array(2);
  reply.integer(aFirst);
  reply.integer(aLast);
  reply.array(2);
  reply.integer(bFirst);
  reply.integer(bLast);
  if (withLength) reply.integer(aLast - aFirst + 1);
}
