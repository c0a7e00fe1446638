/** What the beginning of an RDB file says: from whom it is, and to what place of which history it belongs. */
import { VERSION } from "../commands/connection/session.js";
import type { Server } from "../server/server.js";

export function factsOf(server: Server): [string, string][] {
  const { replication } = server;
  return [
    ["redis-ver", VERSION],
    ["redis-bits", "64"],
    ["ctime", String(Math.floor(Date.now() / 1000))],
    ["used-mem", String(server.statistics.usedMemory)],
    ["repl-stream-db", String(replication.streamDb)],
    ["repl-id", replication.id],
    ["repl-offset", String(replication.offset)],
    ["aof-base", "0"],
  ];
}
