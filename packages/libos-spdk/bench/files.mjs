/** Files of zeros to measure on, in a folder that goes with the benchmark. */
import { closeSync, fsyncSync, ftruncateSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from "node:fs";
import { join } from "node:path";

const MIB = 1 << 20;

/** The folder, below `place`: on the disk that is to be measured. */
export function scratchFolder(place) {
  const folder = mkdtempSync(join(place, "demi-spdk-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Every block of it is written, not only promised: the file system has nothing to note when one is written again, and all that are compared
 * find the same.
 */
export function zeros(folder, name, mebibytes) {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize < mebibytes * MIB) throw new Error(`${folder}: no room for a file of ${mebibytes} MiB`);
  const path = join(folder, name);
  const fd = openSync(path, "w", 0o600);
  const some = Buffer.alloc(8 * MIB);
  for (let at = 0; at < mebibytes * MIB; at += some.length) writeSync(fd, some, 0, some.length, at);
  ftruncateSync(fd, mebibytes * MIB);
  fsyncSync(fd);
  closeSync(fd);
  return path;
}
