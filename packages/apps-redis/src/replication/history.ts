/** What an RDB file says of the history that its data are a place of: a server that begins with it may go on from there (Redis: loadDataFromDisk). */
import type { Server } from "../server/server.js";

const ID = /^[0-9a-f]{40}$/;

/** After the data were loaded, before {@link Replication.start}. Without all facts nothing is restored. */
export function restoreHistory(server: Server, facts: ReadonlyMap<string, string>): void {
  const { config, replication } = server;
  const id = facts.get("repl-id") ?? "";
  const offset = Number(facts.get("repl-offset") ?? Number.NaN);
  const db = streamDbOf(server, facts);
  if (!ID.test(id) || !Number.isSafeInteger(offset) || offset < 0) return;
  replication.offset = offset;
  if (config.replicaof !== "") {
    // It asks its master to go on from there.
    replication.id = id;
    replication.isRestored = true;
    replication.link.db = db ?? 0;
    return;
  }
  if (db === undefined) return;
  // Its replicas may have all up to there, and what comes from now on is another history.
  replication.id2 = id;
  replication.secondOffset = offset + 1;
  replication.makeBacklog();
}

/** The database that the stream was in; undefined: none that there is. */
export function streamDbOf({ keyspace }: Server, facts: ReadonlyMap<string, string>): number | undefined {
  const id = Number(facts.get("repl-stream-db") ?? Number.NaN);
  return Number.isInteger(id) && id >= 0 && id < keyspace.dbs.length ? id : undefined;
}

/** What {@link restoreHistory} goes on from. */
export function historyFacts({ replication }: Server): [string, string][] {
  return [
    ["repl-stream-db", String(replication.streamDb)],
    ["repl-id", replication.id],
    ["repl-offset", String(replication.offset)],
  ];
}
