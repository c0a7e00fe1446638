/** DEBUG RELOAD and LOADAOF: the dataset is loaded again, from a dump.rdb while everybody waits, or from the append-only file. */
import { reloadAof } from "../../aof/switch.js";
import { loadRdbFileNow } from "../../persistence/load-rdb.js";
import { LOADING } from "../../persistence/refusals.js";
import type { Call } from "../../server/call.js";

export function reload({ args, reply, server }: Call): void {
  const { keyspace, libraries, loading, rdb } = server;
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
    libraries.flush();
    keyspace.empty();
  }
  try {
    const merges = given.has("merge");
    const { libraries: sources } = loadRdbFileNow(server, server.config.dbfilename, { merges });
    rdb.onLibraries(sources, merges);
  } catch (error) {
    server.log(`${server.config.dbfilename} cannot be loaded: ${(error as Error).message}`);
    return reply.error("ERR Error trying to load the RDB dump");
  }
  reply.ok();
}

/** Others are served meanwhile what may be while a dataset is loaded. */
export function loadAof({ client, reply, server }: Call): void {
  const { blocking, call, loading, propagation } = server;
  if (loading.isOn) return reply.error(LOADING);
  if (!blocking.mayBlock(client)) return reply.error("ERR DEBUG LOADAOF is not allowed in transactions");
  blocking.block(client, { db: client.db, keys: [], serve: () => false, expire: () => {}, isFirm: true }, 0);
  const ended = (error?: Error): void => {
    if (server.os.closed) return;
    blocking.unblock(client, () => (error === undefined ? call.reply.ok() : call.reply.error(`ERR ${error.message}`)));
    // Who waited for what has come with it.
    blocking.serveReady();
    propagation.flush();
  };
  reloadAof(server).then(() => ended(), ended);
}
