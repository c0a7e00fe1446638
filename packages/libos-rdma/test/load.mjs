// What guest/load.mjs does over the wire, on the host and in full: a million messages over shm, 1 GiB over tcp. Skipped, with the reason,
// where the addon is not built; with CI=true that is a failure.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import rdma from "@demikernel/libos-rdma";
import { report } from "../../../scripts/test/report.mjs";

const program = fileURLToPath(new URL("guest/load.mjs", import.meta.url));

try {
  rdma.load();
} catch ({ message: reason }) {
  const status = process.env.CI === "true" ? "failed" : "skipped";
  console.log(`${status}: load: ${reason}`);
  report([{ name: "load", status, reason }]);
  process.exit(status === "failed" ? 1 : 0);
}
for (const [provider, load] of [
  ["shm", "a million"],
  ["tcp", "1 GiB"],
]) {
  const env = { ...process.env, DEMI_RDMA_PROVIDER: provider };
  const { status } = spawnSync(process.execPath, [program, load], { env, stdio: "inherit" });
  if (status !== 0) process.exitCode = 1;
}
