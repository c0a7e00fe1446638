/** Keys told as they are now, whatever has come of a command that ended half way. */
import type { Command } from "../commands/command.js";
import { keysOf } from "../commands/keys-of.js";
import type { Db } from "../keyspace/db.js";
import type { Args } from "../protocol/args.js";
import { dumpPayload } from "../rdb/payload.js";
import { isShortage } from "../server/memory.js";
import type { Propagation } from "./propagation.js";

/** Instead of the command its keys are told: as RESTORE of their values, or DEL. Without memory for that followers have lost it. */
export function tellKeys(propagation: Propagation, db: Db, command: Command, args: Args): void {
  propagation.instead(db.id);
  if (!propagation.isOn) return;
  try {
    for (const { index } of keysOf(command, args) ?? []) tellKey(propagation, db, args, index);
  } catch (error) {
    if (!isShortage(error)) throw error;
    propagation.lose();
  }
}

function tellKey(propagation: Propagation, db: Db, args: Args, i: number): void {
  const ref = db.find(args.bytes, args.at(i), args.length(i));
  if (ref === 0) {
    propagation.insteadOf(db.id, 2).text("DEL").argument(args, i);
    return;
  }
  const expiry = db.exactExpiryOf(ref);
  const { bytes, length } = dumpPayload(db, ref);
  const told = propagation
    .insteadOf(db.id, 6)
    .text("RESTORE")
    .argument(args, i)
    .integer(expiry === -1 ? 0 : expiry);
  told.word(bytes, 0, length).text("REPLACE").text("ABSTTL");
}
