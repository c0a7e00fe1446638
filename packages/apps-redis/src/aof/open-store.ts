/** Where the append-only file is: files, or the log of a storage engine. */
import { resolve } from "node:path";
import type { Server } from "../server/server.js";
import { type AofPlace, FileStore } from "./file-store.js";
import { removeLeftovers } from "./leftovers.js";
import { type LogPlace, LogStore } from "./log-store.js";
import type { AofStore } from "./store.js";

/** Wherever CONFIG SET dir leads later. */
export const placeOf = ({ config }: Server): AofPlace => ({
  folder: resolve(config.appenddirname),
  name: config.appendfilename,
});

/** The storage engine's logs, where there is one: the files of the backend are out of reach then. */
export const isLog = ({ os }: Server): boolean => os.engines.length > 1;

/** One that begins anew: what there was is of no use when it has a base. Throws a DemiError or a system error. */
export function openFresh(server: Server, log?: LogPlace): AofStore {
  const warn = (sentence: string): void => server.log(sentence);
  const ready = (): void => server.aof.write();
  const { appendfilename, appendfsync } = server.config;
  if (isLog(server))
    return new LogStore(server.os, appendfilename, log ?? { number: 0, baseBytes: 0, appendedBytes: 0 }, warn, true);
  removeLeftovers(placeOf(server));
  return new FileStore(server.os, placeOf(server), { isDurable: appendfsync === "always", isFresh: true, ready, warn });
}
