/** Finds packages as Node does: by walking node_modules upwards. require.resolve() will not do, since "exports" may hide package.json. */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, resolve, sep } from "node:path";

const LARGEST_MANIFEST = 4 * 1024 * 1024;

/** The fields of a package.json that matter here. */
export interface Manifest {
  name?: unknown;
  version?: unknown;
  main?: unknown;
  exports?: unknown;
  demikernel?: unknown;
  [field: string]: unknown;
}

export interface Package {
  /** As found: symbolic links are not followed, so that node_modules next to a link is also found. */
  readonly dir: string;
  readonly manifest: Manifest;
}

const DEPENDENCY_FIELDS = ["dependencies", "optionalDependencies", "peerDependencies", "devDependencies"];

/** The package.json in `dir`; undefined when there is no readable one. */
export function readPackage(dir: string): Package | undefined {
  const path = join(dir, "package.json");
  try {
    const found = statSync(path);
    if (!found.isFile() || found.size > LARGEST_MANIFEST) return undefined;
    const manifest: unknown = JSON.parse(readFileSync(path, "utf8"));
    return typeof manifest === "object" && manifest !== null ? { dir, manifest: manifest as Manifest } : undefined;
  } catch {
    return undefined;
  }
}

/** The package that `start`, a directory or a file, belongs to. */
export function nearestPackage(start: string): Package | undefined {
  for (const dir of ancestors(resolve(start))) {
    const found = readPackage(dir);
    // A package.json that only says {"type": ...} marks a folder of one build; the package is above it.
    if (found && (found.manifest.name !== undefined || dependencyNames(found).length > 0)) return found;
  }
  return undefined;
}

export function dependencyNames(of: Package): string[] {
  const names = DEPENDENCY_FIELDS.flatMap((field) => {
    const list = of.manifest[field];
    return typeof list === "object" && list !== null ? Object.keys(list) : [];
  });
  // A name that is no package name must not become a path.
  return [...new Set(names)].filter((name) => /^(@[a-z0-9~][\w.~-]*\/)?[a-z0-9~_][\w.~-]*$/i.test(name));
}

/** Where the package `name` is for code in `dir`. */
export function resolvePackage(name: string, dir: string): Package | undefined {
  for (const parent of ancestors(dir)) {
    if (parent.endsWith(`${sep}node_modules`)) continue;
    const found = readPackage(join(parent, "node_modules", name));
    if (found) return found;
  }
  return undefined;
}

/** The file that `import` of the package loads; undefined when the package names none. */
export function entryPoint(of: Package): string | undefined {
  const { exports, main } = of.manifest;
  const target = exports === undefined ? legacyMain(main) : exportTarget(mainExport(exports));
  if (target === undefined || isAbsolute(target)) return undefined;
  const path = join(of.dir, target);
  return path.startsWith(of.dir + sep) ? path : undefined;
}

/** The path with links resolved, or as it is when that fails. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function legacyMain(main: unknown): string {
  return typeof main === "string" && main !== "" ? main : "index.js";
}

function mainExport(exports: unknown): unknown {
  const isMap = typeof exports === "object" && exports !== null && !Array.isArray(exports);
  return isMap && "." in exports ? exports["."] : exports;
}

function exportTarget(target: unknown): string | undefined {
  if (typeof target === "string") return target.startsWith("./") ? target : undefined;
  if (typeof target !== "object" || target === null) return undefined;
  const choices = Array.isArray(target)
    ? target
    : Object.entries(target)
        .filter(([key]) => CONDITIONS.has(key))
        .map(([, value]) => value);
  for (const choice of choices) {
    const found = exportTarget(choice);
    if (found) return found;
  }
  return undefined;
}

const CONDITIONS = new Set(["node-addons", "node", "import", "module-sync", "default"]);

function* ancestors(path: string): Generator<string> {
  for (let dir = path; ; dir = dirname(dir)) {
    yield dir;
    if (dirname(dir) === dir) return;
  }
}
