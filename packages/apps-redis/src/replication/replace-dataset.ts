/** The dataset is replaced by the file that a master has sent. */
import { unlink } from "node:fs/promises";
import { loadRdbFile } from "../persistence/load-rdb.js";
import type { Server } from "../server/server.js";
import type { FileReception } from "./file-reception.js";
import { streamDbOf } from "./history.js";

export interface Replaced {
  keys: number;
  /** The database that the master's stream is in. */
  db: number;
}

/**
 * When it resolves the keys and the libraries are the master's; the file is gone in any case. Rejects with why they are not: what there was is there
 * still, or nothing, as half of a file is nothing. `isLate`: the connection that the file came by is no more, so nobody may touch the dataset.
 */
export async function replaceDataset(
  server: Server,
  reception: FileReception,
  isLate: () => boolean,
): Promise<Replaced> {
  try {
    await onDisk(reception);
    refuseLate(isLate);
    server.replication.beginReplacing();
    try {
      const { facts, keys, libraries } = await loadRdbFile(server, reception.path, { keepsExpired: true });
      refuseLate(isLate);
      server.rdb.onLibraries(libraries);
      return { keys, db: streamDbOf(server, facts) ?? 0 };
    } catch (error) {
      if (!isLate()) empty(server);
      throw error;
    }
  } finally {
    unlink(reception.path).catch(() => {});
  }
}

/** Half of a file is nothing, and that is what this server has now. */
function empty({ keyspace, libraries, replication }: Server): void {
  libraries.flush();
  for (const db of keyspace.dbs) db.clear();
  for (const told of replication.onReplaced) told();
}

function onDisk(reception: FileReception): Promise<void> {
  return new Promise((resolve, reject) => {
    reception.end((error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
  });
}

function refuseLate(isLate: () => boolean): void {
  if (isLate()) throw new Error("the link is another one by now");
}
