/** An RDB file that comes in pieces: by way of a temporary file, as it may be larger than memory. */
import { createWriteStream } from "node:fs";
import { unlink } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { RdbContents } from "../rdb/file-reader.js";
import type { Server } from "../server/server.js";
import { type LoadOptions, loadRdbFile } from "./load-rdb.js";
import { temporaryFile } from "./temporary-files.js";

export async function loadRdbPieces(
  server: Server,
  pieces: AsyncIterable<Buffer>,
  options: LoadOptions,
): Promise<RdbContents> {
  const path = temporaryFile();
  try {
    await pipeline(pieces, createWriteStream(path));
    return await loadRdbFile(server, path, options);
  } finally {
    await unlink(path).catch(() => {});
  }
}
