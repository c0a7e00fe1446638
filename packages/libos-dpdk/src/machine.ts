/** What the checks of `demikernel doctor` look at: files below a root folder, which tests may choose. */
import { accessSync, constants, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";

export interface Machine {
  /** The text of a file; undefined where it cannot be read. */
  read(path: string): string | undefined;
  /** Its bytes, one to a character. */
  readBinary(path: string): string | undefined;
  /** The names in a folder, sorted; empty where it cannot be read. */
  list(path: string): string[];
  /** The last part of what a symbolic link points to; undefined where there is none. */
  link(path: string): string | undefined;
  /** True when this process may read and write it. */
  accessible(path: string): boolean;
  /** Why the addon cannot be loaded; undefined when it can. */
  whyNoAddon(): string | undefined;
}

export function machineAt(root: string, whyNoAddon: () => string | undefined): Machine {
  const attempt = <T>(what: () => T): T | undefined => {
    try {
      return what();
    } catch {
      return undefined;
    }
  };
  return {
    read: (path) => attempt(() => readFileSync(join(root, path), "utf8")),
    readBinary: (path) => attempt(() => readFileSync(join(root, path), "latin1")),
    list: (path) => attempt(() => readdirSync(join(root, path)).sort()) ?? [],
    link: (path) => attempt(() => basename(readlinkSync(join(root, path)))),
    accessible: (path) => {
      const may = attempt(() => accessSync(join(root, path), constants.R_OK | constants.W_OK) ?? true);
      return may === true;
    },
    whyNoAddon,
  };
}
