import { Type } from "../../keyspace/types.js";
import { chunkOf } from "../../memory/heap.js";
import { readLatin1 } from "../../memory/latin1.js";
import { addLongDoubles, formatLongDouble, parseLongDouble } from "../../numbers/long-doubles.js";
import { type Call, NOT_FLOAT, REFUSED } from "../../server/call.js";
import { KEEP_EXPIRY, setText } from "./set.js";

export function incrbyfloat(call: Call): void {
  const { args, db, reply } = call;
  const ref = call.write(1, Type.STRING);
  if (ref === REFUSED) return;
  const at = ref === 0 ? 0 : db.stringAt(ref);
  const text = ref === 0 ? "0" : readLatin1(db.heap.bytes[chunkOf(ref)], at, at + db.stringLength(ref));
  const had = parseLongDouble(text);
  const by = had === undefined ? undefined : parseLongDouble(args.text(2));
  if (had === undefined || by === undefined) return reply.error(NOT_FLOAT);
  const sum = addLongDoubles(had, by);
  if (sum === undefined) return reply.error("ERR increment would produce NaN or Infinity");
  const value = formatLongDouble(sum);
  setText(db, args, 1, value, KEEP_EXPIRY);
  call.changed(1, "$", "incrbyfloat");
  // Elsewhere a sum may come out otherwise.
  const { propagation } = call.server;
  if (propagation.isOn) propagation.insteadOf(db.id, 4).text("SET").argument(args, 1).text(value).text("KEEPTTL");
  reply.text(value);
}
