import { type Call, REFUSED } from "../../server/call.js";
import { SetValue } from "../../values/set.js";
import { shuffleFront } from "../random.js";
import { writeSet } from "./lookup.js";

/** Where fewer members than this part of those that go remain, they are moved to a new set. */
const MOVES_BELOW = 5;

export function spop(call: Call): void {
  const { args, db, reply } = call;
  if (args.count > 3) return call.syntaxError();
  if (args.count === 3) return popCount(call);
  const set = writeSet(call);
  if (set === REFUSED) return;
  if (set === undefined) return reply.null();
  popOne(call, set);
  call.changed(1, "s", "spop");
  if (set.size === 0) call.removeKey(db.find(args.bytes, args.at(1), args.length(1)), 1);
}

function popCount(call: Call): void {
  const { args, db, reply } = call;
  const count = args.integer(2);
  if (count === undefined || count < 0n) return reply.error("ERR value is out of range, must be positive");
  const set = writeSet(call);
  if (set === REFUSED) return;
  if (set === undefined || count === 0n) return reply.set(0);
  const { size } = set;
  const wanted = count < BigInt(size) ? Number(count) : size;
  reply.set(wanted);
  db.keyspace.dirty += wanted - 1;
  if (wanted === size) {
    set.each(({ bytes, at, length }) => reply.bulk(bytes, at, length));
    call.changed(1, "s", "spop");
    call.toldAsDeleted(1, false);
    return call.removeKey(db.find(args.bytes, args.at(1), args.length(1)), 1);
  }
  if ((size - wanted) * MOVES_BELOW > wanted) for (let n = wanted; n !== 0; n--) popOne(call, set);
  else popMost(call, set, wanted);
  call.changed(1, "s", "spop");
}

function popOne(call: Call, set: SetValue): void {
  const { bytes, at, length } = set.show(set.randomPlace());
  call.reply.bulk(bytes, at, length);
  tellRemoved(call, bytes, at, length);
  set.remove(bytes, at, length);
}

/** Which members went is chance: they are told. */
function tellRemoved({ args, db, server }: Call, bytes: Uint8Array, at: number, length: number): void {
  const { propagation } = server;
  if (propagation.isOn) propagation.insteadOf(db.id, 3).text("SREM").argument(args, 1).word(bytes, at, length);
}

/** Replies all but a few, which become a set of their own: one that may be an intset again. */
function popMost(call: Call, set: SetValue, count: number): void {
  const { db, reply } = call;
  const places = set.places();
  shuffleFront(places, places.length - count);
  const rest = new SetValue().create(db.heap);
  for (const [i, place] of places.entries()) {
    const { bytes, at, length } = set.show(place);
    if (i < places.length - count) rest.add(bytes, at, length, call.server.config);
    else {
      reply.bulk(bytes, at, length);
      tellRemoved(call, bytes, at, length);
    }
  }
  rest.replace(set);
  set.free();
}
