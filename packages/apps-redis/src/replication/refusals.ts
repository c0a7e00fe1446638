/** Commands that may not run for what this server is to others: a replica, or a master with too few of them (Redis: processCommand). */
import type { Command } from "../commands/command.js";
import type { Args } from "../protocol/args.js";
import type { Client } from "../server/client.js";
import type { Server } from "../server/server.js";

export const NO_REPLICAS = "NOREPLICAS Not enough good replicas to write.";
const READ_ONLY = "READONLY You can't write against a read only replica.";
const MASTER_DOWN = "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.";

/** Asked only while {@link Replication.isRestricted}. */
export function refusalOfReplication(
  { config, keyspace, pause, replication }: Server,
  client: Client,
  command: Command,
  args: Args,
): string | undefined {
  if (client === replication.link.client) return undefined;
  const queued = command.name === "exec" ? client.transaction?.queued : undefined;
  const writes = command.isWrite || queued?.some((one) => one.command.isWrite) === true;
  if (replication.master === undefined) return writes && replication.lacksReplicas ? NO_REPLICAS : undefined;
  if (writes && config.replicaReadOnly) return READ_ONLY;
  if (writes) replication.ownKeys.remember(client, command, args);
  // Who writes to a replica writes to a key that is there no more.
  keyspace.keepsExpired = !writes || pause.isOn;
  if (!replication.isStale) return undefined;
  const isStale = (one: Command): boolean => one.flags.has("stale");
  return isStale(command) && queued?.every((one) => isStale(one.command)) !== false ? undefined : MASTER_DOWN;
}
