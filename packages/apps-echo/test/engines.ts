/** Which posix engines this machine can run. Without io_uring its tests are skipped aloud, and fail in CI. */
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
      const code = `import { openLibOS } from "@demikernel/core"; console.log((await openLibOS()).engine); process.exit();`;
      const tried = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
        cwd: packageDir,
        encoding: "utf8",
        env: { ...process.env, LIBOS: "posix", DEMI_CONFIG: engineConfig(dir, engine) },
      });
      if (tried.stdout.trim() === engine) return true;
      const said = /^DemiError: (.*)/m.exec(tried.stderr)?.[1] ?? `${tried.stdout}${tried.stderr}`;
      const reason = `posix engine ${engine} does not open here: ${said}`;
      if (engine === "epoll" || process.env.CI === "true") throw new Error(reason);
      console.warn(`SKIP: ${reason}`);
      return false;
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
