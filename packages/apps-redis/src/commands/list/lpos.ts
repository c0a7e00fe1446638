import { Type } from "../../keyspace/types.js";
import { type Call, REFUSED } from "../../server/call.js";
import { openList } from "../../values/stored-list.js";
import { long, longFrom } from "./element.js";

const ZERO_RANK =
  "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list";

const SMALLEST = -(2n ** 63n);

export function lpos(call: Call): void {
  const { args, db, reply } = call;
  let rank: number | undefined = 1;
  let isSmallest = false;
  let count: number | undefined;
  let most: number | undefined = 0;
  for (let i = 3; i < args.count; i += 2) {
    if (i + 1 === args.count) return call.syntaxError();
    if (args.is(i, "rank")) {
      rank = long(call, i + 1);
      if (rank === undefined) return;
      if (rank === 0) return reply.error(ZERO_RANK);
      isSmallest = args.integer(i + 1) === SMALLEST;
    } else if (args.is(i, "count")) {
      count = longFrom(call, i + 1, 0, "ERR COUNT can't be negative");
      if (count === undefined) return;
    } else if (args.is(i, "maxlen")) {
      most = longFrom(call, i + 1, 0, "ERR MAXLEN can't be negative");
      if (most === undefined) return;
    } else {
      return call.syntaxError();
    }
  }
  const ref = call.read(1, Type.LIST);
  if (ref === REFUSED) return;
  if (ref === 0) return count === undefined ? reply.null() : reply.array(0);

  const list = openList(db, ref, 0);
  const backwards = rank < 0;
  // The smallest long has no negative: Redis skips no match then, and counts none.
  const first = isSmallest ? 1 : Math.abs(rank);
  const wanted = count === undefined ? 1 : count === 0 || isSmallest ? Number.POSITIVE_INFINITY : count;
  const looked = most === 0 ? list.count : Math.min(most, list.count);
  const mark = reply.mark();
  let matches = 0;
  let found = 0;
  list.seek(backwards ? -1 : 0);
  for (let i = 0; i < looked && found < wanted; i++) {
    if (list.equals(args.bytes, args.at(2), args.length(2)) && ++matches >= first) {
      reply.integer(backwards ? list.count - i - 1 : i);
      found++;
    }
    if (backwards) list.prev();
    else list.next();
  }
  if (count !== undefined) reply.insert(mark, (head) => head.array(found));
  else if (found === 0) reply.null();
}
