/** Tests of libos-rdma without an RDMA device. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { packageDir } from "./program.js";

/** As working directory of a program: a package around it that is a backend counts as installed. */
export const rdmaDir = join(packageDir, "../libos-rdma");

/** Declares tests of libos-rdma. Where its addon is not built they are skipped; with CI=true they run all the same, and fail. */
export function withRdma(name: string, body: () => void): void {
  const built = existsSync(join(rdmaDir, "prebuilds/linux-x64/demi_rdma.node"));
  if (built || process.env.CI === "true") {
    describe(name, body);
  } else {
    const reason = "the addon of libos-rdma is not built here: apt install libfabric-dev";
    console.warn(`SKIP: ${name}: ${reason}`);
    test.skip(`${name} (${reason})`, () => {});
  }
}
