/** The sets that a command is about. */
import { Type } from "../../keyspace/types.js";
import { type Call, REFUSED } from "../../server/call.js";
import { SetValue } from "../../values/set.js";

/** Bound anew by each command. */
const set = new SetValue();

/** The set of the key that argument `i` is; undefined: there is none. REFUSED: the key is of another type, which was replied. */
export function readSet(call: Call, i = 1): SetValue | undefined | typeof REFUSED {
  const ref = call.read(i, Type.SET);
  return ref === REFUSED ? REFUSED : ref === 0 ? undefined : set.open(call.db, ref);
}

/** As readSet(), for who will change it. */
export function writeSet(call: Call, i = 1): SetValue | undefined | typeof REFUSED {
  const ref = call.write(i, Type.SET);
  return ref === REFUSED ? REFUSED : ref === 0 ? undefined : set.open(call.db, ref);
}

/** A new set for the key that argument `i` is, which is not there: something must be put into it. */
export function createSet({ args, db }: Call, i = 1): SetValue {
  set.create(db.heap);
  set.store(db, args.bytes, args.at(i), args.length(i));
  return set;
}

/** The sets of all keys from argument `i` to before `end`, each by its own SetValue. undefined: a key is of another type, which was replied. */
export function readSets(call: Call, i: number, end: number): (SetValue | undefined)[] | undefined {
  const all: (SetValue | undefined)[] = [];
  for (; i < end; i++) {
    const ref = call.read(i, Type.SET);
    if (ref === REFUSED) return undefined;
    all.push(ref === 0 ? undefined : new SetValue().open(call.db, ref));
  }
  return all;
}
