/** SAVE, BGSAVE, LASTSAVE: the dataset as an RDB file. */
import type { Call } from "../../server/call.js";
import type { CommandSpec } from "../command.js";

const IN_PROGRESS = "ERR Background save already in progress";

function save({ reply, server }: Call): void {
  if (server.rdb.isRunning || server.snapshots.kind === "rdb") return reply.error(IN_PROGRESS);
  if (server.rdb.saveNow()) reply.ok();
  else reply.error("ERR");
}

function bgsave(call: Call): void {
  const { args, client, reply, server } = call;
  const { rdb, snapshots } = server;
  if (args.count > 2 || (args.count === 2 && !args.is(1, "schedule"))) return call.syntaxError();
  if (rdb.isRunning || snapshots.kind === "rdb") return reply.error(IN_PROGRESS);
  const isInTransaction = client.transaction !== undefined;
  if (snapshots.isRunning || isInTransaction) {
    if (args.count === 1 && !isInTransaction)
      return reply.error(
        "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.",
      );
    rdb.isScheduled = true;
    return reply.status("Background saving scheduled");
  }
  if (rdb.start()) reply.status("Background saving started");
  else reply.error("ERR");
}

function lastSave({ reply, server }: Call): void {
  reply.integer(server.rdb.lastSave);
}

export const savingCommands: readonly CommandSpec[] = [
  {
    name: "save",
    arity: 1,
    flags: "admin noscript no_async_loading no_multi",
    categories: "",
    group: "server",
    since: "1.0.0",
    complexity: "O(N) where N is the total number of keys in all databases",
    summary: "Saves the dataset, while everybody waits.",
    handler: save,
  },
  {
    name: "bgsave",
    arity: -1,
    flags: "admin noscript no_async_loading",
    categories: "",
    group: "server",
    since: "1.0.0",
    complexity: "O(1)",
    summary: "Saves the dataset beside commands.",
    handler: bgsave,
  },
  {
    name: "lastsave",
    arity: 1,
    flags: "loading stale fast",
    categories: "admin dangerous",
    group: "server",
    since: "1.0.0",
    complexity: "O(1)",
    summary: "When the dataset was last saved.",
    hints: "nondeterministic_output",
    handler: lastSave,
  },
];
