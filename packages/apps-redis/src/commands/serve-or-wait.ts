/** What pops from the first of several keys that is there, or waits for one: it then runs again, as if it had come after what made the key. */
import type { TypeValue } from "../keyspace/types.js";
import type { Ref } from "../memory/heap.js";
import { type Call, REFUSED } from "../server/call.js";

/** Replies from the value of the key that argument `i` is, which has elements. */
export type Serve = (call: Call, i: number, ref: Ref) => void;

/** Of `count` keys from argument `first` on, whose values are of this type. `instead`: where it may not wait. */
export function serveOrWait(
  call: Call,
  type: TypeValue,
  first: number,
  count: number,
  milliseconds: number,
  serve: Serve,
  instead = () => call.reply.nullArray(),
): void {
  const { args, client, command, db, server } = call;
  for (let i = first; i < first + count; i++) {
    const ref = call.write(i, type);
    if (ref === REFUSED) return;
    if (ref !== 0) return serve(call, i, ref);
  }
  if (!server.blocking.mayBlock(client)) return instead();
  const kept = args.copy();
  const keys = kept.texts(first).slice(0, count);
  server.blocking.block(
    client,
    {
      db: db.id,
      keys,
      args: kept,
      type,
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
