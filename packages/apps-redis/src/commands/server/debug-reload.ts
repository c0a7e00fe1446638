/** DEBUG RELOAD: the dataset is saved and loaded again, while everybody waits. */
import { loadRdbFileNow } from "../../persistence/load-rdb.js";
import { LOADING } from "../../persistence/refusals.js";
import type { Call } from "../../server/call.js";

export function reload({ args, reply, server }: Call): void {
  const { keyspace, loading, rdb } = server;
  const given = new Set<string>();
  for (let i = 2; i < args.count; i++) {
    const word = args.text(i).toLowerCase();
    if (!["merge", "noflush", "nosave"].includes(word))
      return reply.error("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
    given.add(word);
  }
  if (loading.isOn) return reply.error(LOADING);
  if (!given.has("nosave") && !rdb.saveNow()) return reply.error("ERR");
  if (!given.has("noflush")) {
    for (const db of keyspace.dbs) {
      keyspace.onEmptied(db);
      db.clear();
    }
  }
  try {
    const { libraries } = loadRdbFileNow(server, server.config.dbfilename, { merges: given.has("merge") });
    rdb.onLibraries(libraries);
  } catch (error) {
    server.log(`${server.config.dbfilename} cannot be loaded: ${(error as Error).message}`);
    return reply.error("ERR Error trying to load the RDB dump");
  }
  reply.ok();
}
