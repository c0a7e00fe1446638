/** What the server does with files before it serves: the dataset is loaded, and what a process left behind that was killed is removed. */
import { followAof, startAof } from "../aof/switch.js";
import { historyFacts, restoreHistory } from "../replication/history.js";
import { LibraryError } from "../scripting/libraries.js";
import type { Server } from "../server/server.js";
import { asLoadError, LoadError } from "./load-error.js";
import { loadRdbFile } from "./load-rdb.js";
import { progressOf } from "./progress.js";
import { removeTemporaries } from "./temporary-files.js";

/** Throws an Error with a sentence, or LoadAborted. */
export async function loadAtStart(server: Server): Promise<void> {
  const { config, rdb } = server;
  removeTemporaries();
  rdb.libraries = () => [...server.libraries.sources()];
  rdb.onLibraries = (sources, replaces) => loadLibraries(server, sources, replaces);
  rdb.historyFacts = () => historyFacts(server);
  if (config.appendonly) await startAof(server);
  else await loadDump(server);
  followAof(server);
  server.replication.start();
}

/** Of a file: they take the place of those of the same name, or there may be none. */
function loadLibraries({ libraries }: Server, sources: readonly string[], replaces = true): void {
  try {
    for (const source of sources) libraries.load(source, replaces);
  } catch (error) {
    if (!(error instanceof LibraryError)) throw error;
    throw new LoadError(`a library of functions cannot be loaded: ${error.message}`);
  }
}

async function loadDump(server: Server): Promise<void> {
  const { rdb } = server;
  const { dbfilename } = server.config;
  const began = performance.now();
  try {
    const contents = await loadRdbFile(server, dbfilename, { onProgress: progressOf(server, dbfilename) });
    rdb.isSaved();
    rdb.onLibraries(contents.libraries);
    restoreHistory(server, contents.facts);
    const { expired, keys } = contents;
    const took = ((performance.now() - began) / 1000).toFixed(3);
    server.note(`${keys} keys loaded from ${dbfilename} in ${took} seconds, ${expired} had expired`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw asLoadError(dbfilename, error);
  }
}
