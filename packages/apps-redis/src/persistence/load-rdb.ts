/** Loads an RDB file into the keyspace. */
import { readFile } from "node:fs/promises";
import { type RdbContents, readRdb } from "../rdb/file-reader.js";
import type { Server } from "../server/server.js";

export interface LoadOptions {
  keepsExpired?: boolean;
  isPrefix?: boolean;
}

export async function loadRdbFile(server: Server, path: string, options: LoadOptions = {}): Promise<RdbContents> {
  return readRdb(await readFile(path), server, options.keepsExpired);
}

export async function loadRdbPieces(server: Server, pieces: AsyncIterable<Buffer>): Promise<void> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  readRdb(Buffer.concat(all), server, true);
}
