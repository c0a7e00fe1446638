import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// They use what is in native/, and nothing else that CI runs compiles them.
it("the benchmark's native programs compile", () => {
  const sources = fileURLToPath(new URL("../bench/native", import.meta.url));
  const build = mkdtempSync(join(tmpdir(), "demi-bench-"));
  try {
    for (const args of [
      ["-S", sources, "-B", build],
      ["--build", build, "--target", "sources", "--parallel", "2"],
    ]) {
      const { status, stdout, stderr } = spawnSync("cmake", args, { encoding: "utf8" });
      expect([status, status === 0 ? "" : stdout + stderr]).toEqual([0, ""]);
    }
  } finally {
    rmSync(build, { recursive: true, force: true });
  }
}, 120_000);
