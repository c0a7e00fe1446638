/** What waits until there is an element. It then runs again, as if it had come after what made the list. */
import { Type } from "../../keyspace/types.js";
import type { Ref } from "../../memory/heap.js";
import { type Call, REFUSED } from "../../server/call.js";
import { timeout } from "../timeout.js";
import { isLeft } from "./element.js";
import { move } from "./move.js";
import { popOne, popWithKey, readLmpop } from "./pop.js";

/** Replies from the list that argument `i` is, which has elements. */
type Serve = (call: Call, i: number, ref: Ref) => void;

export const blpop = (call: Call): void => pop(call, true);
export const brpop = (call: Call): void => pop(call, false);

function pop(call: Call, left: boolean): void {
  const last = call.args.count - 1;
  const milliseconds = timeout(call, last);
  if (milliseconds === undefined) return;
  serveOrWait(call, 1, last - 1, milliseconds, (served, i, ref) => {
    const { args, reply } = served;
    reply.array(2);
    reply.bulk(args.bytes, args.at(i), args.length(i));
    popOne(served, i, ref, left);
  });
}

export function blmpop(call: Call): void {
  const wanted = readLmpop(call, 2);
  if (wanted === undefined) return;
  const milliseconds = timeout(call, 1);
  if (milliseconds === undefined) return;
  const { first, keys, left, count } = wanted;
  serveOrWait(call, first, keys, milliseconds, (served, i, ref) => popWithKey(served, i, ref, left, count));
}

export function blmove(call: Call): void {
  const fromLeft = isLeft(call, 3);
  if (fromLeft === undefined) return;
  const toLeft = isLeft(call, 4);
  if (toLeft !== undefined) moveOrWait(call, 5, fromLeft, toLeft);
}

export const brpoplpush = (call: Call): void => moveOrWait(call, 3, false, true);

function moveOrWait(call: Call, timeoutAt: number, fromLeft: boolean, toLeft: boolean): void {
  const milliseconds = timeout(call, timeoutAt);
  if (milliseconds === undefined) return;
  serveOrWait(
    call,
    1,
    1,
    milliseconds,
    (served, _, ref) => move(served, ref, fromLeft, toLeft),
    () => call.reply.null(),
  );
}

/** Serves from the first list of `count` keys from argument `first` on that is there, or waits for one. `instead`: where it may not wait. */
function serveOrWait(
  call: Call,
  first: number,
  count: number,
  milliseconds: number,
  serve: Serve,
  instead = () => call.reply.nullArray(),
): void {
  const { args, command, db, server } = call;
  for (let i = first; i < first + count; i++) {
    const ref = call.write(i, Type.LIST);
    if (ref === REFUSED) return;
    if (ref !== 0) return serve(call, i, ref);
  }
  if (!server.blocking.mayBlock(call.client)) return instead();
  const kept = args.copy();
  const keys: string[] = [];
  for (let i = first; i < first + count; i++) keys.push(kept.text(i));
  server.blocking.block(
    call.client,
    {
      db: db.id,
      keys,
      args: kept,
      type: Type.LIST,
      serve: (key) => {
        call.args = kept;
        call.command = command;
        const i = first + keys.indexOf(key);
        serve(call, i, call.db.find(kept.bytes, kept.at(i), kept.length(i)));
        return true;
      },
      expire: () => call.reply.nullArray(),
    },
    milliseconds,
  );
}
