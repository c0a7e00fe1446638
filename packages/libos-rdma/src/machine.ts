/** What the checks of `demikernel doctor` look at: files below a root folder, which tests may choose, and what the addon says. */
import { accessSync, constants, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export type Provider = "verbs" | "tcp" | "shm";

/** What can only be found out by trying. */
export interface Trials {
  /** Why the addon cannot be loaded; undefined when it can. */
  whyNoAddon(): string | undefined;
  /** Why no libOS opens over a provider; undefined when one does. */
  whyNoProvider(provider: Provider): string | undefined;
}

export interface Machine extends Trials {
  /** The text of a file without the newline at its end; undefined where it cannot be read. */
  read(path: string): string | undefined;
  /** The names in a folder, sorted; empty where it cannot be read. */
  list(path: string): string[];
  exists(path: string): boolean;
  /** True when this process may read and write it. */
  accessible(path: string): boolean;
}

export function machineAt(root: string, trials: Trials): Machine {
  const attempt = <T>(what: () => T): T | undefined => {
    try {
      return what();
    } catch {
      return undefined;
    }
  };
  const may = (path: string, mode: number) => attempt(() => accessSync(join(root, path), mode) ?? true) === true;
  return {
    read: (path) => attempt(() => readFileSync(join(root, path), "utf8").trimEnd()),
    list: (path) => attempt(() => readdirSync(join(root, path)).sort()) ?? [],
    exists: (path) => may(path, constants.F_OK),
    accessible: (path) => may(path, constants.R_OK | constants.W_OK),
    ...trials,
  };
}
