/**
 * The conformance target: logs on a block device. The kernel makes one of a file (loop(4)), with blocks of 4096 bytes, as many drives have;
 * it is detached with the process, or by detach() before, as in Jest, whose process does not say when it ends.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLibOS } from "@demikernel/core";
import spdk from "@demikernel/libos-spdk";

let device;
let folder;

/** Why there is no loop device on this machine; undefined when there is one. */
export const lacking = attach();

function attach() {
  if (process.getuid?.() !== 0) return "a loop device needs root";
  folder = mkdtempSync(join(tmpdir(), "demi-spdk-loop-"));
  process.on("exit", detach);
  const file = join(folder, "file");
  // Written, not only as long: each flush would wait for the file system's journal while blocks are still to be found.
  writeFileSync(file, Buffer.alloc(64 << 20));
  try {
    const made = execFileSync("losetup", ["--find", "--show", "--sector-size", "4096", file], { stdio: "pipe" });
    device = made.toString().trim();
    return undefined;
  } catch (error) {
    return `no loop device: ${String(error.stderr ?? error.message).trim() || error.message}`;
  }
}

export function detach() {
  try {
    if (device !== undefined) execFileSync("losetup", ["--detach", device]);
  } finally {
    device = undefined;
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }
}

export const target = {
  name: "spdk/loop",
  features: spdk.features,
  // A flush of it is one of the file beneath.
  timeScale: 4,
  open: (overrides) => openLibOS({ libos: "spdk", device: `file:${device}`, from: import.meta.url, ...overrides }),
};
