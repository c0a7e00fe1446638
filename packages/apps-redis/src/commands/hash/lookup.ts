/** The hash that a command is about. */
import { Type } from "../../keyspace/types.js";
import { type Call, REFUSED } from "../../server/call.js";
import { HashValue } from "../../values/hash.js";

/** Bound anew by each command. */
const hash = new HashValue();

/** The hash of the key that is the first argument; undefined: there is none. REFUSED: the key is of another type, which was replied. */
export function readHash(call: Call): HashValue | undefined | typeof REFUSED {
  const ref = call.read(1, Type.HASH);
  return ref === REFUSED ? REFUSED : ref === 0 ? undefined : hash.open(call.db, ref);
}

/** As readHash(), for who will change it. */
export function writeHash(call: Call): HashValue | undefined | typeof REFUSED {
  const ref = call.write(1, Type.HASH);
  return ref === REFUSED ? REFUSED : ref === 0 ? undefined : hash.open(call.db, ref);
}

/** A new hash for the key, which is not there: something must be put into it. */
export function createHash({ args, db }: Call): HashValue {
  return hash.create(db, args.bytes, args.at(1), args.length(1));
}

/** As writeHash(), with a new one where there is none. */
export function writeOrCreateHash(call: Call): HashValue | typeof REFUSED {
  return writeHash(call) ?? createHash(call);
}
