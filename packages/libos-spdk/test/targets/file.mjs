/** The conformance target: logs on a file, which a fresh libOS takes over from the last one. */
import { closeSync, ftruncateSync, mkdirSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isMainThread, threadId } from "node:worker_threads";
import { openLibOS } from "@demikernel/core";
import spdk from "@demikernel/libos-spdk";

// Of the process, so that nothing is left of a Worker that was terminated; in it a file for each thread, for a device is locked against
// other libOSes.
const folder = join(tmpdir(), `demi-spdk-${process.pid}`);
export const clear = () => rmSync(folder, { recursive: true, force: true });
// Jest hands out a process that does not say when it ends: there the test clears.
if (isMainThread) process.on("exit", clear);
const device = join(folder, `device-${threadId}`);
mkdirSync(folder, { recursive: true });
// With holes: it takes of the disk what is written.
const file = openSync(device, "a");
ftruncateSync(file, 256 << 20);
closeSync(file);

export const target = {
  name: "spdk/file",
  features: spdk.features,
  open: (overrides) => openLibOS({ libos: "spdk", device: `file:${device}`, from: import.meta.url, ...overrides }),
  module: import.meta.url,
};
