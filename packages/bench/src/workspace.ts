/** A package of the workspace that a benchmark runs without depending on it: a backend depends on no application. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/**
 * Folder of a package as `from`, a file: URL, sees it. `file` is one it has once it is built. Throws an Error that says what to do when
 * it is not there.
 */
export function builtPackage(name: string, file: string, from: string): string {
  let folder: string | undefined;
  try {
    folder = dirname(createRequire(from).resolve(`${name}/package.json`));
  } catch {
    // Said below.
  }
  if (folder === undefined || !existsSync(join(folder, file))) {
    throw new Error(`the benchmark runs ${name}: run it in the workspace, after pnpm install && pnpm build`);
  }
  return folder;
}
