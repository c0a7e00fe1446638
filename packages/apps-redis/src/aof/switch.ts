/** Turns the append-only file on and off: at the start, and by CONFIG SET. */
import { existsSync } from "node:fs";
import { DemiError } from "@demikernel/core";
import { asLoadError, LoadError } from "../persistence/load-error.js";
import { loadRdbPieces } from "../persistence/load-pieces.js";
import { LoadAborted } from "../persistence/load-rdb.js";
import type { Server } from "../server/server.js";
import { FileStore, manifestPath } from "./file-store.js";
import { loadAof } from "./load.js";
import { loadLog } from "./log-load.js";
import { LogStore } from "./log-store.js";
import { BadManifest } from "./manifest.js";
import { isLog, openFresh, placeOf } from "./open-store.js";
import type { AofStore } from "./store.js";

/** Loads what there is and goes on with it, or begins one. Throws LoadError, a DemiError or a system error: the server cannot start then. */
export async function startAof(server: Server): Promise<void> {
  const { loading } = server;
  loading.begin(0);
  try {
    if (isLog(server)) await startLog(server);
    else await startFiles(server);
  } finally {
    loading.end();
  }
  server.rdb.isSaved();
}

async function startFiles(server: Server): Promise<void> {
  const { aof, config } = server;
  const loaded = await loadAof(server, placeOf(server));
  if (loaded === undefined) return beginAnew(server, openFresh(server));
  tell(server, loaded);
  const options = {
    isDurable: config.appendfsync === "always",
    isFresh: false,
    ready: () => aof.write(),
    warn: (what: string) => server.log(what),
  };
  aof.begin(new FileStore(server.os, placeOf(server), options));
  aof.countFromHere();
}

async function startLog(server: Server): Promise<void> {
  const { aof, config } = server;
  const loaded = await loadLog(server, config.appendfilename, async (pieces) => {
    try {
      const { libraries } = await loadRdbPieces(server, pieces, { keepsExpired: true, isPart: true });
      server.rdb.onLibraries(libraries);
    } catch (error) {
      throw asLoadError(`the base in the log ${config.appendfilename}`, error);
    }
  });
  tell(server, loaded);
  if (loaded.isEmpty) return beginAnew(server, openFresh(server, loaded));
  aof.begin(new LogStore(server.os, config.appendfilename, loaded, (what) => server.log(what), false));
  aof.countFromHere();
  // What is torn stays where it is: a new base is begun behind it, before anything else is appended.
  if (loaded.cut !== undefined && !server.rewriting.start())
    throw new LoadError(`the log ${config.appendfilename} ends within a command, and no new base can be begun`);
}

function tell(server: Server, { commands, cut }: { commands: number; cut: string | undefined }): void {
  if (cut !== undefined) server.log(cut);
  server.note(`${commands} commands of the append-only file were run`);
}

/** With a base of what the dataset is now; nobody is served before that is on the disk. */
function beginAnew(server: Server, store: AofStore): Promise<void> {
  const { aof, rewriting, snapshots } = server;
  aof.begin(store);
  return new Promise((resolve, reject) => {
    rewriting.start((error) => {
      if (error === undefined) resolve();
      else reject(error);
    });
    snapshots.finish();
  });
}

/** Everything told is on the disk, behind a base of its own. Throws an Error with a sentence. */
async function allOnDisk({ aof }: Server): Promise<void> {
  if (aof.lacksBase) throw new Error("the append-only file has no base yet");
  do {
    await new Promise<void>((resolve, reject) => {
      aof.drain((error) => (error === undefined ? resolve() : reject(error)));
    });
  } while (!aof.isIdle);
}

/**
 * What the append-only file has takes the place of the dataset, while others are told to wait. Throws an Error with a sentence where nothing came of
 * it; where half of it did the server ends, as it would at the start.
 */
export async function reloadAof(server: Server): Promise<void> {
  const { aof, keyspace, libraries, loading, rewriting, snapshots } = server;
  const { isOn } = aof;
  loading.begin(0);
  try {
    if (snapshots.kind === "aof") snapshots.finish();
    await rewriting.settled();
    if (isOn) await allOnDisk(server);
    if (loading.isAborted) throw new Error("the server ends");
    if (isLog(server) ? !isOn : !existsSync(manifestPath(placeOf(server))))
      throw new Error("there is no append-only file");
    aof.stop();
    libraries.flush();
    keyspace.empty();
    await (isOn ? startAof(server) : loadAof(server, placeOf(server))).catch((error: NodeJS.ErrnoException) => {
      if (error instanceof LoadAborted) return;
      server.fail(error.code === undefined ? error : new LoadError(error.message));
    });
  } finally {
    loading.end();
  }
}

/** Milliseconds after which a beginning that failed is tried again. */
const RETRIED = 5000;

/** What CONFIG SET does, and what a replica does when its dataset was replaced. */
export function followAof(server: Server): void {
  const { aof, config, cron, loading, replication, rewriting } = server;
  let notBefore = 0;
  const begin = (): void => {
    if (!mayBegin(server)) return;
    notBefore = server.clock() + RETRIED;
    beginFresh(server);
  };
  config.onChange("appendonly", () => {
    if (!config.appendonly) {
      rewriting.stop();
      aof.stop();
    } else if (!aof.isOn) {
      rewriting.stop();
      return attempt(server, begin);
    }
    return undefined;
  });
  replication.onReplaced.push(() => {
    if (!aof.isOn) return;
    // All that was appended is of another dataset.
    rewriting.stop();
    aof.stop();
    attempt(server, begin);
  });
  // It was not to be while somebody else had a snapshot, or the base could not be written.
  cron.tasks.push(() => {
    if (config.appendonly && !aof.isOn && !loading.isOn && server.clock() >= notBefore) attempt(server, begin);
  });
  config.onChange("appendfsync", () => {
    aof.setDurable(config.appendfsync === "always");
    return undefined;
  });
}

/** The base is to be of the moment at which something is appended first: what a transaction has changed before would be told behind it. */
const mayBegin = ({ loading, propagation, snapshots }: Server): boolean =>
  !loading.isOn && snapshots.isFree && !propagation.isWithin;

/** Until the base is there it can end: then all of it is begun again, as what was appended so far is in the next base. Throws as openFresh(). */
function beginFresh(server: Server): void {
  const { aof, rewriting } = server;
  aof.begin(openFresh(server));
  const isBegun = rewriting.start((error) => {
    if (error !== undefined && aof.lacksBase) aof.stop();
  });
  if (isBegun) return;
  aof.stop();
  throw new DemiError("EIO", "open", "no base can be written");
}

/** Why it could not be, for who has asked for it. */
function attempt(server: Server, body: () => void): string | undefined {
  try {
    body();
    return undefined;
  } catch (error) {
    const isKnown = error instanceof DemiError || error instanceof BadManifest;
    if (!isKnown && (error as NodeJS.ErrnoException).syscall === undefined) throw error;
    server.log(`the append-only file: ${(error as Error).message}`);
    return "Unable to turn on AOF. Check server logs.";
  }
}
