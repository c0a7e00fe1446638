import { type Call, NOT_INTEGER } from "../../server/call.js";
import type { CommandSpec } from "../command.js";

/** There are no replicas: who wants some waits until its time is over, and hears of none. */
function wait(call: Call): void {
  const { args, client, db, reply } = call;
  const wanted = args.integer(1);
  if (wanted === undefined) return reply.error(NOT_INTEGER);
  const timeout = args.integer(2);
  if (timeout === undefined) return reply.error("ERR timeout is not an integer or out of range");
  if (timeout < 0n) return reply.error("ERR timeout is negative");
  if (wanted <= 0n || client.transaction !== undefined) return reply.integer(0);
  const none = { db: db.id, keys: [], serve: () => false, expire: () => call.reply.integer(0) };
  call.server.blocking.block(client, none, Number(timeout));
}

export const waitCommands: readonly CommandSpec[] = [
  {
    name: "wait",
    arity: 3,
    flags: "noscript",
    categories: "connection",
    group: "generic",
    since: "3.0.0",
    complexity: "O(1)",
    summary: "Waits until so many replicas have what the connection wrote.",
    hints: "request_policy:all_shards response_policy:agg_min",
    handler: wait,
  },
];
