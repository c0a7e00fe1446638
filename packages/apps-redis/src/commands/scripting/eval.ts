/** EVAL, EVALSHA, FCALL and what only reads of them. */

import { NO_REPLICAS } from "../../replication/refusals.js";
import { ScriptFlag } from "../../scripting/flags.js";
import type { Script } from "../../scripting/script-cache.js";
import type { Call } from "../../server/call.js";
import type { Server } from "../../server/server.js";

const STALE =
  "MASTERDOWN Link with MASTER is down, replica-serve-stale-data is set to 'no' and 'allow-stale' flag is not set on the script.";
const BLOCKED =
  "but it's currently unable to persist to disk. Writable scripts are blocked. Use 'no-writes' flag for read only scripts.";
const NO_SCRIPT = "NOSCRIPT No matching script. Please use EVAL.";

/** How many arguments are keys; undefined: it was replied that the number is wrong. */
function keysOf({ args, reply }: Call, error: string): number | undefined {
  const keys = args.safeInteger(2);
  if (keys === undefined) reply.error(args.integer(2) === undefined ? error : beyond(args.integer(2) as bigint));
  else if (keys > args.count - 3) reply.error(beyond(1n));
  else if (keys < 0) reply.error(beyond(-1n));
  else return keys;
  return undefined;
}

const beyond = (keys: bigint): string =>
  keys < 0n ? "ERR Number of keys can't be negative" : "ERR Number of keys can't be greater than number of args";

/** False: it may not run now, which was replied. */
function mayRun({ client, reply, server }: Call, flags: number, isReadOnly: boolean): boolean {
  // The rules of commands, which are asked about what runs within.
  if ((flags & ScriptFlag.COMPATIBLE) !== 0) return true;
  if (server.replication.isStale && (flags & ScriptFlag.ALLOW_STALE) === 0) {
    reply.error(STALE);
    return false;
  }
  if ((flags & ScriptFlag.NO_WRITES) !== 0) return true;
  const why = client.isObeyed ? undefined : refusalOfWrites(server, isReadOnly);
  if (why !== undefined) {
    reply.error(why);
    return false;
  }
  if (server.memory.isLimited && server.memory.wasOut && (flags & ScriptFlag.ALLOW_OOM) === 0) {
    reply.error("OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'");
    return false;
  }
  return true;
}

/** Why no script that may write runs now. */
function refusalOfWrites({ aof, config, rdb, replication }: Server, isReadOnly: boolean): string | undefined {
  if (replication.master !== undefined && config.replicaReadOnly)
    return "READONLY Can not run script with write flag on readonly replica";
  if (rdb.isRefusing) return `MISCONF Redis is configured to save RDB snapshots, ${BLOCKED}`;
  if (aof.error !== undefined)
    return `MISCONF Redis is configured to persist data to AOF, ${BLOCKED} AOF error: ${aof.error}`;
  if (isReadOnly) return "ERR Can not execute a script with write flag using *_ro command.";
  return replication.master === undefined && replication.lacksReplicas ? NO_REPLICAS : undefined;
}

const evaluate =
  (isBySha: boolean, isReadOnly: boolean) =>
  (call: Call): void => {
    const { args, client, reply, server } = call;
    server.observer.feedScript(client, args);
    if (isBySha && args.length(1) !== 40) return reply.error(NO_SCRIPT);
    const keys = keysOf(call, "ERR value is not an integer or out of range");
    if (keys === undefined) return;
    const scripts = server.scripting.scripts();
    if (typeof scripts === "string") return reply.error(`ERR ${scripts}`);
    const found: Script | string | undefined = isBySha ? scripts.findBySha(args, 1) : scripts.load(args, 1);
    if (found === undefined) return reply.error(NO_SCRIPT);
    if (typeof found === "string") return reply.error(found);
    const { flags, reference, sha } = found;
    if (!mayRun(call, flags, isReadOnly)) return;
    const what = { reference, name: sha, flags, isEval: true, isReadOnly };
    server.scripting.current.run(scripts.interpreter, what, 3, keys);
  };

const callFunction =
  (isReadOnly: boolean) =>
  (call: Call): void => {
    const { args, client, reply, server } = call;
    server.observer.feedScript(client, args);
    const { libraries } = server.scripting;
    const found = libraries.functions.get(args.text(1).toLowerCase());
    if (found === undefined) return reply.error("ERR Function not found");
    const keys = keysOf(call, "ERR Bad number of keys provided");
    if (keys === undefined) return;
    const { flags, name, reference } = found;
    if (!mayRun(call, flags, isReadOnly)) return;
    const what = { reference, name, flags, isEval: false, isReadOnly };
    server.scripting.current.run(server.scripting.functionsInterpreter(), what, 3, keys);
  };

export const evalScript = evaluate(false, false);
export const evalReadOnly = evaluate(false, true);
export const evalSha = evaluate(true, false);
export const evalShaReadOnly = evaluate(true, true);
export const fcall = callFunction(false);
export const fcallReadOnly = callFunction(true);
