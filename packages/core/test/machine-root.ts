/** Machines made of files, for the tests of what `demikernel doctor` finds on them. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Texts of files by path; "-> target" is a symbolic link, undefined leaves one out. */
export type Files = Readonly<Record<string, string | undefined>>;

const roots: string[] = [];
afterAll(() => {
  for (const root of roots.splice(0)) rmSync(root, { recursive: true });
});

/** A folder that has these files, as if it were a machine's root. Removed after the tests of the file. */
export function machineRoot(files: Files): string {
  const root = mkdtempSync(join(tmpdir(), "demi-doctor-"));
  roots.push(root);
  for (const [path, text] of Object.entries(files)) {
    if (text === undefined) continue;
    mkdirSync(dirname(join(root, path)), { recursive: true });
    if (text.startsWith("-> ")) symlinkSync(text.slice(3), join(root, path));
    else writeFileSync(join(root, path), text);
  }
  return root;
}

/** The change to `files` that takes away whatever lies below these paths. */
export function without(files: Files, ...paths: string[]): Files {
  const gone = Object.keys(files).filter((file) => paths.some((path) => file.startsWith(path)));
  return Object.fromEntries(gone.map((file) => [file, undefined]));
}
