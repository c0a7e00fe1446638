/** The conformance target: logs on a file, which a fresh libOS takes over from the last one. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLibOS } from "@demikernel/core";
import spdk from "@demikernel/libos-spdk";

// Of this thread: the file system locks a device against other libOSes.
const folder = mkdtempSync(join(tmpdir(), "demi-spdk-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

export const target = {
  name: "spdk/file",
  features: spdk.features,
  open: (overrides) =>
    openLibOS({
      libos: "spdk",
      device: `file:${join(folder, "device")},size=256MiB`,
      from: import.meta.url,
      ...overrides,
    }),
  module: import.meta.url,
};
