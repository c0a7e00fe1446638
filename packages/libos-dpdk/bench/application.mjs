/** The echo application, looked up in the workspace: a backend does not depend on applications. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

const folder = findApplication();

/** A file of the application's, as a path. */
export const applicationFile = (...parts) => join(folder, "dist", ...parts);

/** A module of the application's. */
export const application = (...parts) => import(pathToFileURL(applicationFile(...parts)).href);

function findApplication() {
  let found;
  try {
    found = dirname(createRequire(import.meta.url).resolve("@demikernel/apps-echo/package.json"));
  } catch {
    // Said below.
  }
  if (found === undefined || !existsSync(join(found, "dist", "cli.js"))) {
    throw new Error(
      "the benchmark runs the echo application, @demikernel/apps-echo: run it in the workspace, after pnpm install && pnpm build",
    );
  }
  return found;
}
