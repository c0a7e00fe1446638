/** BLPOP, BRPOP, BLMPOP, BLMOVE and BRPOPLPUSH. */
import { Type } from "../../keyspace/types.js";
import type { Call } from "../../server/call.js";
import { serveOrWait } from "../serve-or-wait.js";
import { timeout } from "../timeout.js";
import { isLeft } from "./element.js";
import { move } from "./move.js";
import { popOne, popWithKey, readLmpop, tellPop } from "./pop.js";

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
    tellPop(served, i, left);
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
    (served, _, ref) => {
      if (move(served, ref, fromLeft, toLeft)) tellMove(served, timeoutAt === 5, fromLeft, toLeft);
    },
    () => call.reply.null(),
  );
}

/** Who has waited is told in the words that Redis has for sides. */
function tellMove({ args, client, db, server }: Call, hasSides: boolean, fromLeft: boolean, toLeft: boolean): void {
  const { propagation } = server;
  if (!propagation.isOn) return;
  if (!hasSides) propagation.insteadOf(db.id, 3).text("RPOPLPUSH").argument(args, 1, 3);
  else if (client.blocked === undefined) propagation.insteadOf(db.id, 5).text("LMOVE").argument(args, 1, 5);
  else propagation.insteadOf(db.id, 5).text("LMOVE").argument(args, 1, 3).text(side(fromLeft)).text(side(toLeft));
}

const side = (left: boolean): string => (left ? "left" : "right");
