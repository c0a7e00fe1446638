/**
 * Loads an append-only file: the base, then the increments. The end of the last one may be torn, as by a crash: it is cut off, and said; whatever
 * else is not as it was written is refused, with the file and the offset.
 */
import { existsSync, renameSync, statSync, truncateSync } from "node:fs";
import { type FileHandle, mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { asLoadError, LoadError } from "../persistence/load-error.js";
import { LoadAborted, loadRdbFile } from "../persistence/load-rdb.js";
import { progressOf } from "../persistence/progress.js";
import { MAGIC } from "../rdb/format.js";
import type { Server } from "../server/server.js";
import { CommandStream } from "./command-stream.js";
import { type AofPlace, manifestPath, readManifest } from "./file-store.js";
import { writtenEnd } from "./filler.js";
import { BadManifest, formatManifest, type Manifest } from "./manifest.js";
import { Replayer } from "./replayer.js";

/** Bytes that are read at once. */
const READ = 1024 * 1024;

export interface AofLoaded {
  /** Commands that were run. */
  commands: number;
  /** What was torn and is cut off, in a sentence. */
  cut: string | undefined;
}

/** Undefined: there is no append-only file. Throws LoadError. */
export async function loadAof(server: Server, place: AofPlace): Promise<AofLoaded | undefined> {
  let manifest: Manifest | undefined;
  try {
    await upgrade(place);
    manifest = readManifest(place);
  } catch (error) {
    if (error instanceof BadManifest) throw new LoadError(`${manifestPath(place)}: ${error.message}`);
    throw error;
  }
  if (manifest === undefined) return undefined;
  const { base, increments } = manifest;
  const loaded: AofLoaded = { commands: 0, cut: undefined };
  server.loading.totalBytes = [base, ...increments]
    .map((one) => join(place.folder, one?.name ?? ""))
    .reduce((sum, path) => sum + (existsSync(path) ? statSync(path).size : 0), 0);
  const files = base === undefined ? increments : [base, ...increments];
  const replayer = new Replayer(server);
  for (const [i, { name }] of files.entries()) {
    const path = join(place.folder, name);
    if (!existsSync(path)) {
      // It is made when something is appended.
      if (i === files.length - 1 && i !== 0) continue;
      throw new LoadError(`${path}: it is not there, and the manifest names it`);
    }
    await loadFile(server, path, replayer, loaded, i === files.length - 1);
  }
  return loaded;
}

/**
 * A file of redis-server before 7.0 becomes the base. The manifest is there first: whoever dies between has both, and the next one, of either kind,
 * moves the file.
 */
async function upgrade(place: AofPlace): Promise<void> {
  const moved = join(place.folder, place.name);
  if (!existsSync(place.name) || existsSync(moved)) return;
  const base = { name: place.name, seq: 1 };
  const manifest = readManifest(place);
  if (manifest === undefined) {
    await mkdir(place.folder, { recursive: true });
    await writeFile(manifestPath(place), formatManifest({ base, increments: [], history: [] }), { flush: true });
  } else if (manifest.base?.name !== place.name || manifest.increments.length !== 0) {
    return;
  }
  renameSync(place.name, moved);
}

async function loadFile(
  server: Server,
  path: string,
  replayer: Replayer,
  loaded: AofLoaded,
  isLast: boolean,
): Promise<void> {
  const { loading } = server;
  const before = loading.loadedBytes;
  const progress = progressOf(server, path);
  const file = await open(path, "r");
  let stream: CommandStream;
  let end: number;
  try {
    const begin = await loadBase(server, file, path);
    replayer.begin();
    stream = new CommandStream(server, replayer, path, begin);
    const bytes = Buffer.allocUnsafeSlow(READ);
    end = await writtenEnd(file);
    for (let at = begin; at < end; ) {
      const { bytesRead } = await file.read(bytes, 0, Math.min(bytes.length, end - at), at);
      if (bytesRead === 0) break;
      at += bytesRead;
      await stream.add(bytes.subarray(0, bytesRead));
      loading.loadedBytes = before + at;
      progress(loading.loadedBytes, loading.totalBytes);
      if (loading.isAborted) throw new LoadAborted("loading was given up");
    }
  } finally {
    await file.close();
  }
  loaded.commands += stream.commands;
  const { torn, whole } = stream;
  // What it was filled with ahead is no part of it.
  if (torn === 0 && end < statSync(path).size) truncateSync(path, end);
  if (torn === 0) return;
  stream.checkTorn();
  replayer.forgetTransaction();
  if (!isLast || !server.config.aofLoadTruncated)
    throw new LoadError(`${path}: it ends within a command, which begins at offset ${whole}`);
  truncateSync(path, whole);
  loaded.cut = `${path}: its last ${torn} bytes are no whole command, and were cut off`;
}

/** What a file begins with may be an RDB file; returns where that ends. */
async function loadBase(server: Server, file: FileHandle, path: string): Promise<number> {
  const head = Buffer.alloc(MAGIC.length);
  await file.read(head, 0, head.length, 0);
  if (head.toString("latin1") !== MAGIC) return 0;
  const options = { keepsExpired: true, isPart: true, onProgress: progressOf(server, path) };
  try {
    const { length, libraries } = await loadRdbFile(server, path, options);
    server.rdb.onLibraries(libraries);
    return length;
  } catch (error) {
    throw asLoadError(path, error);
  }
}
