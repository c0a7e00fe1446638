/** BZPOPMIN, BZPOPMAX and BZMPOP: served at once from the first key that is there, else when one is made. */
import { Type } from "../../keyspace/types.js";
import type { Call } from "../../server/call.js";
import { Zset } from "../../values/zset.js";
import { serveOrWait } from "../serve-or-wait.js";
import { timeout } from "../timeout.js";
import { type End, popOneWithKey, popWithKey, readMpop } from "./pop.js";

const zset = new Zset();

export function bzpop(call: Call, end: End): void {
  const last = call.args.count - 1;
  const milliseconds = timeout(call, last);
  if (milliseconds === undefined) return;
  serveOrWait(call, Type.ZSET, 1, last - 1, milliseconds, (served, i, ref) =>
    popOneWithKey(served, zset.open(served.db, ref), i, end),
  );
}

export function bzmpop(call: Call): void {
  const wanted = readMpop(call, 2);
  if (wanted === undefined) return;
  const milliseconds = timeout(call, 1);
  if (milliseconds === undefined) return;
  const { first, keys, end, count } = wanted;
  serveOrWait(call, Type.ZSET, first, keys, milliseconds, (served, i, ref) =>
    popWithKey(served, zset.open(served.db, ref), i, end, count),
  );
}
