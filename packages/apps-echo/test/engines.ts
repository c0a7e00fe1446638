/** Which posix engines this machine can run. One that it cannot is skipped aloud, and is a failure in CI. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engineConfig, packageDir } from "./program.js";

const ALL = ["epoll", "io_uring"];

export function usableEngines(): string[] {
  const dir = mkdtempSync(join(tmpdir(), "demi-echo-engines-"));
  try {
    return ALL.filter((engine) => {
      const code = `import { openLibOS } from "@demikernel/core"; const os = await openLibOS(); os.destroy();`;
      const tried = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
        cwd: packageDir,
        encoding: "utf8",
        env: { ...process.env, LIBOS: "posix", DEMI_CONFIG: engineConfig(dir, engine) },
      });
      if (tried.status === 0) return true;
      const reason = `posix engine ${engine} does not open here: ${tried.stderr.trim()}`;
      if (process.env.CI === "true") throw new Error(reason);
      console.warn(`SKIP: ${reason}`);
      return false;
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
