/** ZUNION, ZINTER and ZDIFF, with what they store and count (Redis: zunionInterDiffGenericCommand). */
import { chunkOf, offsetOf } from "../../memory/heap.js";
import { HEADER, keyLengthOf } from "../../memory/record.js";
import { parseDouble } from "../../numbers/doubles.js";
import { type Call, WRONG_TYPE } from "../../server/call.js";
import { orRelease } from "../../values/or-release.js";
import { ZsetObject } from "../../values/zset-object.js";
import { Source } from "./source.js";
import { storeZset } from "./store.js";
import { longOf, replyPairs, replyScore } from "./zset.js";

export type Operation = "union" | "inter" | "diff";

type Aggregate = (score: number, other: number) => number;

const AGGREGATES: Record<string, Aggregate> = {
  // Infinities that cancel each other out are 0.
  sum: (score, other) => orZero(score + other),
  // Not Math.min: what is no number, or 0 of the other sign, changes nothing.
  min: (score, other) => {
    if (other < score) return other;
    return score;
  },
  max: (score, other) => {
    if (other > score) return other;
    return score;
  },
};

interface Wanted {
  sources: Source[];
  aggregate: Aggregate;
  withScores: boolean;
  limit: number;
}

const orZero = (score: number): number => (Number.isNaN(score) ? 0 : score);

/** `stores`: into the key that argument 1 is. */
export function combine(call: Call, operation: Operation, stores: boolean): void {
  const wanted = read(call, operation, stores ? 2 : 1, stores, false);
  if (wanted === undefined) return;
  const object = new ZsetObject(call.db.heap);
  orRelease(object, () => {
    if (operation === "diff") subtract(object, wanted.sources);
    else if (operation === "union") unite(object, sorted(wanted.sources), wanted.aggregate);
    else intersect(object, sorted(wanted.sources), wanted.aggregate);
  });
  if (stores) {
    call.reply.integer(storeZset(call, 1, object, `z${operation}store`));
  } else {
    replyObject(call, object, wanted.withScores);
    call.db.keyspace.releaseValue(object);
  }
}

export function zintercard(call: Call): void {
  const wanted = read(call, "inter", 1, false, true);
  if (wanted === undefined) return;
  const [first, ...others] = sorted(wanted.sources);
  let count = 0;
  first.some((bytes, at, length) => {
    if (others.every((other) => !Number.isNaN(other.score(bytes, at, length)))) count++;
    return wanted.limit !== 0 && count === wanted.limit;
  });
  call.reply.integer(count);
}

function replyObject(call: Call, object: ZsetObject, withScores: boolean): void {
  const { reply } = call;
  const { heap, tree, size } = object;
  replyPairs(reply, size, withScores);
  if (size === 0) return;
  tree.seek(0);
  do {
    const { member } = tree;
    if (withScores && reply.resp === 3) reply.array(2);
    reply.bulk(heap.bytes[chunkOf(member)], offsetOf(member) + HEADER, keyLengthOf(heap, member));
    if (withScores) replyScore(reply, tree.score);
  } while (tree.step(1));
}

// ---- what is asked for ---------------------------------------------------------------------------------------------------

/** Keys, their number being argument `i`, and options; undefined: something is wrong, which was replied. `counts`: of ZINTERCARD, which has a LIMIT and no more. */
function read(call: Call, operation: Operation, i: number, stores: boolean, counts: boolean): Wanted | undefined {
  const { args, command, reply } = call;
  const count = longOf(call, i);
  if (count === undefined) return undefined;
  if (count < 1) {
    reply.error(`ERR at least 1 input key is needed for '${command.fullName}' command`);
    return undefined;
  }
  if (count > args.count - i - 1) {
    call.syntaxError();
    return undefined;
  }
  const sources: Source[] = [];
  for (let n = 0; n < count; n++) {
    const at = i + 1 + n;
    const source = Source.of(call.db, call.db.lookup(args.bytes, args.at(at), args.length(at)));
    if (source === undefined) {
      reply.error(WRONG_TYPE);
      return undefined;
    }
    sources.push(source);
  }
  const wanted: Wanted = { sources, aggregate: AGGREGATES.sum, withScores: false, limit: 0 };
  return readOptions(call, wanted, i + 1 + count, operation !== "diff" && !counts, stores, counts) ? wanted : undefined;
}

function readOptions(
  call: Call,
  wanted: Wanted,
  first: number,
  weighs: boolean,
  stores: boolean,
  counts: boolean,
): boolean {
  const { args, reply } = call;
  const { sources } = wanted;
  for (let i = first; i < args.count; i++) {
    const rest = args.count - i - 1;
    if (weighs && rest >= sources.length && args.is(i, "weights")) {
      for (const source of sources) {
        i++;
        const weight = parseDouble(args.bytes, args.at(i), args.length(i));
        if (weight === undefined) {
          reply.error("ERR weight value is not a float");
          return false;
        }
        source.weight = weight;
      }
    } else if (weighs && rest >= 1 && args.is(i, "aggregate")) {
      const aggregate = ["sum", "min", "max"].find((name) => args.is(i + 1, name));
      if (aggregate === undefined) {
        call.syntaxError();
        return false;
      }
      wanted.aggregate = AGGREGATES[aggregate];
      i++;
    } else if (!stores && !counts && args.is(i, "withscores")) {
      wanted.withScores = true;
    } else if (counts && rest >= 1 && args.is(i, "limit")) {
      const limit = longOf(call, ++i, "ERR LIMIT can't be negative");
      if (limit === undefined) return false;
      if (limit < 0) {
        reply.error("ERR LIMIT can't be negative");
        return false;
      }
      wanted.limit = limit;
    } else {
      call.syntaxError();
      return false;
    }
  }
  return true;
}

/** From the smallest on. */
const sorted = (sources: readonly Source[]): Source[] => [...sources].sort((a, b) => a.size - b.size);

// ---- the three operations --------------------------------------------------------------------------------------------------

/** In the order of the sources: sums of doubles depend on it. */
function unite(object: ZsetObject, sources: readonly Source[], aggregate: Aggregate): void {
  for (const source of sources) {
    source.some((bytes, at, length, own) => {
      const score = orZero(own * source.weight);
      const member = object.find(bytes, at, length);
      if (member === 0) object.hold(score, bytes, at, length);
      else object.writeScore(member, aggregate(object.scoreOf(member), score));
      return false;
    });
  }
  object.order();
}

function intersect(object: ZsetObject, [first, ...others]: readonly Source[], aggregate: Aggregate): void {
  first.some((bytes, at, length, own) => {
    let score = orZero(own * first.weight);
    for (const other of others) {
      const theirs = other.score(bytes, at, length);
      if (Number.isNaN(theirs)) return false;
      score = aggregate(score, theirs * other.weight);
    }
    object.gather(score, bytes, at, length);
    return false;
  });
}

/** The first without the others: it is walked through, or they are, whichever is less. */
function subtract(object: ZsetObject, [first, ...others]: readonly Source[]): void {
  if (others.some((other) => other.isSame(first))) return;
  const theirs = others.reduce((sum, other) => sum + other.size, 0);
  if ((first.size * (others.length + 1)) / 2 <= first.size + theirs) {
    const largest = [...others].sort((a, b) => b.size - a.size);
    first.some((bytes, at, length, score) => {
      if (largest.every((other) => Number.isNaN(other.score(bytes, at, length))))
        object.gather(score, bytes, at, length);
      return false;
    });
    return;
  }
  first.some((bytes, at, length, score) => {
    object.hold(score, bytes, at, length);
    return false;
  });
  for (const other of others) {
    other.some((bytes, at, length) => {
      const member = object.find(bytes, at, length);
      if (member !== 0) object.dict.delete(member);
      return object.size === 0;
    });
  }
  object.order();
}
