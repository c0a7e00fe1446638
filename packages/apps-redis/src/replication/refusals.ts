/** Commands that may not run for what this server is to others: a replica, or a master with too few of them (Redis: processCommand). */
import type { Command } from "../commands/command.js";
import type { Args } from "../protocol/args.js";
import { ScriptFlag } from "../scripting/flags.js";
import type { Client } from "../server/client.js";
import type { Server } from "../server/server.js";

export const NO_REPLICAS = "NOREPLICAS Not enough good replicas to write.";
const READ_ONLY = "READONLY You can't write against a read only replica.";
const MASTER_DOWN = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";

/** Asked only while {@link Replication.isRestricted}. */
export function refusalOfReplication(server: Server, client: Client, command: Command, args: Args): string | undefined {
  const { config, keyspace, pause, replication } = server;
  if (client === replication.link.client) return undefined;
  const queued = command.name === "exec" ? client.transaction?.queued : undefined;
  const writes =
    mayWrite(server, command, args) || queued?.some((one) => mayWrite(server, one.command, one.args)) === true;
  if (replication.master === undefined) return writes && replication.lacksReplicas ? NO_REPLICAS : undefined;
  if (writes && config.replicaReadOnly) return READ_ONLY;
  if (writes) replication.ownKeys.remember(client, command, args);
  // Who writes to a replica writes to a key that is there no more.
  keyspace.keepsExpired = !writes || pause.isOn;
  if (!replication.isStale) return undefined;
  const serves = maySeeStale(server, command, args);
  return serves && queued?.every((one) => maySeeStale(server, one.command, one.args)) !== false
    ? undefined
    : MASTER_DOWN;
}

/** Scripts that say so themselves are as they say. */
function mayWrite({ scripting }: Server, command: Command, args: Args): boolean {
  const flags = command.runsScript ? scripting.flagsOf(command, args) : undefined;
  return flags === undefined ? command.isWrite : (flags & ScriptFlag.NO_WRITES) === 0;
}

function maySeeStale({ scripting }: Server, command: Command, args: Args): boolean {
  const flags = command.runsScript ? scripting.flagsOf(command, args) : undefined;
  return flags === undefined ? command.flags.has("stale") : (flags & ScriptFlag.ALLOW_STALE) !== 0;
}
