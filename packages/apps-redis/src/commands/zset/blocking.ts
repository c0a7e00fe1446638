/** BZPOPMIN, BZPOPMAX and BZMPOP: served at once from the first key that is there, else when one is made. */
import { Type } from "../../keyspace/types.js";
import { type Call, REFUSED } from "../../server/call.js";
import { Zset } from "../../values/zset.js";
import { timeout } from "../timeout.js";
import { type End, popOneWithKey, popWithKey, readMpop } from "./pop.js";

/** Replies from the sorted set of the key that argument `i` is, which has elements. */
type Serve = (call: Call, set: Zset, i: number) => void;

const zset = new Zset();

export function bzpop(call: Call, end: End): void {
  const last = call.args.count - 1;
  const milliseconds = timeout(call, last);
  if (milliseconds === undefined) return;
  serveOrWait(call, 1, last - 1, milliseconds, (served, set, i) => popOneWithKey(served, set, i, end));
}

export function bzmpop(call: Call): void {
  const wanted = readMpop(call, 2);
  if (wanted === undefined) return;
  const milliseconds = timeout(call, 1);
  if (milliseconds === undefined) return;
  const { first, keys, end, count } = wanted;
  serveOrWait(call, first, keys, milliseconds, (served, set, i) => popWithKey(served, set, i, end, count));
}

/** Of `count` keys from argument `first` on. */
function serveOrWait(call: Call, first: number, count: number, milliseconds: number, serve: Serve): void {
  const { args, client, command, db, reply, server } = call;
  for (let i = first; i < first + count; i++) {
    const ref = call.write(i, Type.ZSET);
    if (ref === REFUSED) return;
    if (ref !== 0) return serve(call, zset.open(db, ref), i);
  }
  if (!server.blocking.mayBlock(client)) return reply.nullArray();
  const kept = args.copy();
  const keys = kept.texts(first).slice(0, count);
  server.blocking.block(
    client,
    {
      db: db.id,
      keys,
      args: kept,
      type: Type.ZSET,
      serve: (key) => {
        call.args = kept;
        call.command = command;
        const i = first + keys.indexOf(key);
        serve(call, zset.open(call.db, call.db.find(kept.bytes, kept.at(i), kept.length(i))), i);
        return true;
      },
      expire: () => call.reply.nullArray(),
    },
    milliseconds,
  );
}
