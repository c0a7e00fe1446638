#!/usr/bin/env node
/**
 * The echo benchmark, on this backend only: `demi-echo bench --libos posix`, with whatever options are given. The application is looked
 * up in the workspace: a backend does not depend on applications.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const manifest = findApplication();
const cli = manifest && join(dirname(manifest), "dist", "cli.js");
if (cli === undefined || !existsSync(cli)) {
  console.error(
    "the benchmark is part of @demikernel/apps-echo: run it in the workspace, after pnpm install && pnpm build",
  );
  process.exit(1);
}
const child = spawn(process.execPath, [cli, "bench", "--libos", "posix", ...process.argv.slice(2)], {
  stdio: "inherit",
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("close", (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 130);
});

function findApplication() {
  try {
    return createRequire(import.meta.url).resolve("@demikernel/apps-echo/package.json");
  } catch {
    return undefined;
  }
}
