import { globMatches } from "../../glob.js";
import { TYPE_NAMES } from "../../keyspace/types.js";
import { chunkOf, type Ref } from "../../memory/heap.js";
import type { Call } from "../../server/call.js";
import type { CommandSpec } from "../command.js";
import { replyScan, scanCursor, scanDict, scanMatches, scanOptions } from "../scan.js";

/** What has expired is not told, and stays until somebody uses it. */
function keys(call: Call): void {
  const { args, db, reply } = call;
  const { heap } = db;
  const all = args.length(1) === 1 && args.is(1, "*");
  const mark = reply.mark();
  let count = 0;
  db.dict.each((ref) => {
    const bytes = heap.bytes[chunkOf(ref)];
    const at = db.keyAt(ref);
    const length = db.keyLength(ref);
    if (!all && !globMatches(args.bytes, args.at(1), args.length(1), bytes, at, length)) return;
    if (db.isExpired(ref)) return;
    reply.bulk(bytes, at, length);
    count++;
  });
  reply.insert(mark, (head) => head.array(count));
}

/** What has expired is deleted if it would have been told. */
function scan(call: Call): void {
  const { db, reply } = call;
  const { heap } = db;
  const begin = scanCursor(call, 1);
  if (begin === undefined) return;
  const options = scanOptions(call, 2, true);
  if (options === undefined) return;
  call.server.propagation.apart();
  replyScan(call, () => {
    const found: Ref[] = [];
    const cursor = scanDict(db.dict, begin, options, (ref) => {
      if (scanMatches(call, options, heap.bytes[chunkOf(ref)], db.keyAt(ref), db.keyLength(ref))) found.push(ref);
    });
    let count = 0;
    for (const ref of found) {
      if (db.isExpired(ref)) {
        db.expire(ref);
      } else if (options.type === undefined || options.type === TYPE_NAMES[db.typeOf(ref)]) {
        reply.bulk(heap.bytes[chunkOf(ref)], db.keyAt(ref), db.keyLength(ref));
        count++;
      }
    }
    return { cursor, count };
  });
}

export const keysCommands: readonly CommandSpec[] = [
  {
    name: "keys",
    arity: 2,
    flags: "readonly",
    categories: "keyspace dangerous",
    group: "generic",
    since: "1.0.0",
    complexity: "O(N) for N keys of the database",
    summary: "All keys that a pattern matches.",
    hints: "request_policy:all_shards nondeterministic_output_order",
    handler: keys,
  },
  {
    name: "scan",
    arity: -2,
    flags: "readonly",
    categories: "keyspace",
    group: "generic",
    since: "2.8.0",
    complexity: "O(1) for each call; O(N) for all calls that tell N keys",
    summary: "Some keys, and a cursor with which the next call goes on.",
    hints: "nondeterministic_output request_policy:special",
    handler: scan,
  },
];
