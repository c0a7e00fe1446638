/** What checks look at: files below a root folder, which tests may choose. */
import { accessSync, constants, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";

export interface Machine {
  /** The text of a file without white space at its end; undefined where it cannot be read. */
  read(path: string): string | undefined;
  /** Its bytes, one to a character. */
  readBinary(path: string): string | undefined;
  /** The names in a folder, sorted; empty where it cannot be read. */
  list(path: string): string[];
  /** The last part of what a symbolic link points to; undefined where there is no link. */
  link(path: string): string | undefined;
  exists(path: string): boolean;
  /** True when this process may read and write it. */
  accessible(path: string): boolean;
}

/** The machine whose files lie below `root`; by default the one this process runs on. */
export function machineAt(root = "/"): Machine {
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
    readBinary: (path) => attempt(() => readFileSync(join(root, path), "latin1")),
    list: (path) => attempt(() => readdirSync(join(root, path)).sort()) ?? [],
    link: (path) => attempt(() => basename(readlinkSync(join(root, path)))),
    exists: (path) => may(path, constants.F_OK),
    accessible: (path) => may(path, constants.R_OK | constants.W_OK),
  };
}
