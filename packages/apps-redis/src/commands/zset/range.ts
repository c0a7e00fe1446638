/** ZRANGE and all that is a form of it (Redis: zrangeGenericCommand). */
import type { Call } from "../../server/call.js";
import { orRelease } from "../../values/or-release.js";
import type { Zset } from "../../values/zset.js";
import { ZsetObject } from "../../values/zset-object.js";
import { LexRange, ScoreRange } from "../../values/zset-range.js";
import { storeZset } from "./store.js";
import { emptyArray, longOf, NOT_MEMBERS, NOT_SCORES, readZset, replyPair, replyPairs } from "./zset.js";

const scores = new ScoreRange();
const members = new LexRange();

export type By = "rank" | "score" | "lex";

/** Of the command that runs, reused. */
const options = { by: "rank" as By, isReverse: false, withScores: false, offset: 0, limit: -1 };

/** `by` and `isReverse`: undefined where options say it. */
export function range(call: Call, by?: By, isReverse?: boolean): void {
  const first = findRange(call, 1, false, by, isReverse);
  if (first === undefined) return;
  const zset = readZset(call, 1, emptyArray);
  if (zset === undefined) return;
  const { reply } = call;
  const { withScores } = options;
  const count = select(zset, first);
  replyPairs(reply, count, withScores);
  const by1 = options.isReverse ? -1 : 1;
  if (count === 0) return;
  zset.seek(start);
  for (let n = count; ; ) {
    replyPair(reply, zset, withScores);
    if (--n === 0) return;
    zset.step(by1);
  }
}

export function zrangestore(call: Call): void {
  const first = findRange(call, 2, true);
  if (first === undefined) return;
  const object = new ZsetObject(call.db.heap);
  let isMissing = false;
  const zset = readZset(call, 2, () => {
    isMissing = true;
  });
  if (zset === undefined && !isMissing) {
    object.release(Number.POSITIVE_INFINITY);
    return;
  }
  const count = zset === undefined ? 0 : select(zset, first);
  if (zset !== undefined && count !== 0) {
    zset.seek(start);
    orRelease(object, () => {
      for (let n = count; ; ) {
        object.gather(zset.currentScore(), zset.text, zset.textAt, zset.textLength);
        if (--n === 0) break;
        zset.step(options.isReverse ? -1 : 1);
      }
    });
  }
  call.reply.integer(storeZset(call, 1, object, "zrangestore"));
}

/** Ranks as they were given, of a range by rank. */
interface Ranks {
  first: number;
  last: number;
}

const ranks: Ranks = { first: 0, last: 0 };

/** Reads what stands behind the key, which argument `i` is; undefined: it is wrong, which was replied. */
function findRange(call: Call, i: number, stores: boolean, by?: By, isReverse?: boolean): Ranks | undefined {
  const { reply, args } = call;
  if (!readOptions(call, i + 3, stores, by, isReverse)) return undefined;
  if (options.limit !== -1 && options.by === "rank") {
    reply.error("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX");
    return undefined;
  }
  if (options.withScores && options.by === "lex") {
    reply.error("ERR syntax error, WITHSCORES not supported in combination with BYLEX");
    return undefined;
  }
  if (options.by === "rank") {
    const first = longOf(call, i + 1);
    const last = first === undefined ? undefined : longOf(call, i + 2);
    if (first === undefined || last === undefined) return undefined;
    ranks.first = first;
    ranks.last = last;
    return ranks;
  }
  const min = options.isReverse ? i + 2 : i + 1;
  const max = options.isReverse ? i + 1 : i + 2;
  if (options.by === "score" ? scores.parse(args, min, max) : members.parse(args, min, max)) return ranks;
  reply.error(options.by === "score" ? NOT_SCORES : NOT_MEMBERS);
  return undefined;
}

function readOptions(call: Call, i: number, stores: boolean, by?: By, isReverse?: boolean): boolean {
  const { args } = call;
  options.by = by ?? "rank";
  options.isReverse = isReverse ?? false;
  options.withScores = false;
  options.offset = 0;
  options.limit = -1;
  let isGiven = by !== undefined;
  let isDirected = isReverse !== undefined;
  for (; i < args.count; i++) {
    if (!stores && args.is(i, "withscores")) {
      options.withScores = true;
    } else if (args.is(i, "limit") && i + 2 < args.count) {
      const offset = longOf(call, i + 1);
      const limit = offset === undefined ? undefined : longOf(call, i + 2);
      if (offset === undefined || limit === undefined) return false;
      options.offset = offset;
      options.limit = limit;
      i += 2;
    } else if (!isDirected && args.is(i, "rev")) {
      options.isReverse = true;
      isDirected = true;
    } else if (!isGiven && (args.is(i, "bylex") || args.is(i, "byscore"))) {
      options.by = args.is(i, "bylex") ? "lex" : "score";
      isGiven = true;
    } else {
      call.syntaxError();
      return false;
    }
  }
  return true;
}

/** Where the elements that were asked for begin: a rank. */
let start = 0;

/** Finds {@link start}, and returns how many elements there are from it on. */
function select(zset: Zset, { first, last }: Ranks): number {
  const { isReverse, offset, limit } = options;
  const { length } = zset;
  if (options.by === "rank") {
    const from = Math.max(first < 0 ? first + length : first, 0);
    const to = Math.min(last < 0 ? last + length : last, length - 1);
    start = isReverse ? length - 1 - from : from;
    return Math.max(to - from + 1, 0);
  }
  if (options.by === "score") zset.scoreRange(scores);
  else zset.lexRange(members, isReverse);
  start = isReverse ? zset.end - 1 - offset : zset.from + offset;
  const rest = offset < 0 ? 0 : Math.max(zset.end - zset.from - offset, 0);
  return limit < 0 ? rest : Math.min(limit, rest);
}
