import { type Call, REFUSED } from "../../server/call.js";
import type { SetValue } from "../../values/set.js";
import { drawDifferent, FEW_TIMES, randomCount, replyDraws, shuffleFront } from "../random.js";
import { readSet } from "./lookup.js";

export function srandmember(call: Call): void {
  const { args, reply } = call;
  if (args.count === 2) return oneMember(call);
  if (args.count > 3) return call.syntaxError();
  const count = randomCount(call, 2);
  if (count === undefined) return;
  const set = readSet(call);
  if (set === REFUSED) return;
  if (set === undefined || count === 0n) return reply.array(0);
  if (count > 0n) return different(call, set, count);
  replyDraws(
    call,
    -count,
    (wanted) => reply.array(wanted),
    () => replyMember(call, set, set.randomPlace()),
  );
}

function oneMember(call: Call): void {
  const set = readSet(call);
  if (set === REFUSED) return;
  if (set === undefined) call.reply.null();
  else replyMember(call, set, set.randomPlace());
}

function different(call: Call, set: SetValue, count: bigint): void {
  const { size } = set;
  const wanted = count < BigInt(size) ? Number(count) : size;
  call.reply.array(wanted);
  if (wanted * FEW_TIMES <= size) {
    for (const place of drawDifferent(wanted, () => set.randomPlace())) replyMember(call, set, place);
    return;
  }
  const places = set.places();
  if (wanted < size) shuffleFront(places, wanted);
  for (let i = 0; i < wanted; i++) replyMember(call, set, places[i]);
}

function replyMember(call: Call, set: SetValue, place: number): void {
  const { bytes, at, length } = set.show(place);
  call.reply.bulk(bytes, at, length);
}
