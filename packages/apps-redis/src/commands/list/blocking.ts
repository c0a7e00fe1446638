/** BLPOP, BRPOP, BLMPOP, BLMOVE and BRPOPLPUSH. */
import { Type } from "../../keyspace/types.js";
import type { Call } from "../../server/call.js";
import { serveOrWait } from "../serve-or-wait.js";
import { timeout } from "../timeout.js";
import { isLeft } from "./element.js";
import { move } from "./move.js";
import { popOne, popWithKey, readLmpop } from "./pop.js";

export const blpop = (call: Call): void => pop(call, true);
export const brpop = (call: Call): void => pop(call, false);

function pop(call: Call, left: boolean): void {
  const last = call.args.count - 1;
  const milliseconds = timeout(call, last);
  if (milliseconds === undefined) return;
  serveOrWait(call, Type.LIST, 1, last - 1, milliseconds, (served, i, ref) => {
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
  serveOrWait(call, Type.LIST, first, keys, milliseconds, (served, i, ref) => popWithKey(served, i, ref, left, count));
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
    Type.LIST,
    1,
    1,
    milliseconds,
    (served, _, ref) => move(served, ref, fromLeft, toLeft),
    () => call.reply.null(),
  );
}
