/** Finds the backend packages an application has installed, chooses one, and loads it. */
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Backend, Features } from "./backend.js";
import { describe } from "./config/describe.js";
import { declarationProblem } from "./config/options.js";
import { DemiError } from "./errors.js";
import {
  dependencyNames,
  entryPoint,
  nearestPackage,
  type Package,
  readPackage,
  realPath,
  resolvePackage,
} from "./packages.js";

/** What a backend can be to an application: its libOS, or the storage engine beside another's network. */
export type Role = "libos" | "storage";

/** A package that declares `"demikernel": {"libos": "<name>"}` in its package.json, `{"storage": "<name>"}`, or both. */
export interface FoundBackend {
  /** What LIBOS, openLibOS({libos}), openLibOS({storage}) and the configuration file call it. */
  readonly name: string;
  readonly roles: readonly Role[];
  readonly packageName: string;
  /** Real path of the package. */
  readonly dir: string;
  readonly version: string;
}

/** The backend that is part of core; it is used only when it is asked for by name. */
export const BUILT_IN = "memory";

const ROLES: readonly Role[] = ["libos", "storage"];
const NAME = /^[a-z][a-z0-9_-]{0,63}$/;
const FEATURES: readonly (keyof Features)[] = ["tcp", "udp", "ipv6", "dmtr", "files", "sleep"];

/**
 * Backends among the dependencies of `from` (a directory, a file or a file: URL), of the application that runs, and of the package
 * around the working directory, in this order; each package once. A package that is a backend itself counts as its own. `role`: only
 * those that have it.
 */
export function findBackends(from?: string, role?: Role): FoundBackend[] {
  const found = new Map<string, FoundBackend>();
  for (const root of roots(from)) {
    const own = declared(root);
    if (own) found.set(own.dir, found.get(own.dir) ?? own);
    for (const name of dependencyNames(root)) {
      // Also from the real path: a linked package's dependencies lie beside its target.
      const installed = resolvePackage(name, root.dir) ?? resolvePackage(name, realPath(root.dir));
      const backend = installed && declared(installed);
      if (backend) found.set(backend.dir, found.get(backend.dir) ?? backend);
    }
  }
  return [...found.values()].filter(({ roles }) => role === undefined || roles.includes(role));
}

/** The name that decides: the option, else the environment's LIBOS, else the configuration file's; undefined when none is given. */
export function chosenName(
  option?: string,
  configured?: string,
  env: NodeJS.ProcessEnv = process.env,
): string | undefined {
  return option ?? (env.LIBOS || undefined) ?? configured;
}

/**
 * Loads the backend called `name`, or, without a name, the only one installed that can be the libOS. Throws DemiError: ENOENT when it is not
 * installed in this role, EINVAL when there are several to choose from or the package is no backend, ENOEXEC when the package fails to load.
 */
export async function loadBackend(
  name: string | undefined = chosenName(),
  from?: string,
  role: Role = "libos",
): Promise<Backend> {
  if (name !== undefined && (typeof name !== "string" || !NAME.test(name))) {
    throw fail("EINVAL", `${role} must be the name of a backend; got ${describe(name)}`);
  }
  if (name === BUILT_IN && role === "libos") return loadBuiltIn();
  return loadFound(choose(name, findBackends(from, role), role));
}

/** Imports a backend that findBackends() returned. Errors as of loadBackend(). */
export async function loadFound(found: FoundBackend): Promise<Backend> {
  const what = `package ${found.packageName} (${found.dir})`;
  const root = readPackage(found.dir);
  const entry = root && entryPoint(root);
  if (!entry) throw fail("EINVAL", `${what} names no file to import: its package.json needs "exports" or "main"`);
  let exported: unknown;
  try {
    exported = ((await import(pathToFileURL(entry).href)) as { default?: unknown }).default;
  } catch (error) {
    throw fail(
      "ENOEXEC",
      `${what} cannot be loaded: ${error instanceof Error ? error.message : describe(error)}`,
      error,
    );
  }
  const problem = backendProblem(exported, found.name);
  if (problem) throw fail("EINVAL", `${what} is no backend: ${problem}`);
  return exported as Backend;
}

/** Core's own in-memory backend. */
export async function loadBuiltIn(): Promise<Backend> {
  return (await import("./memory.js")).default;
}

function choose(name: string | undefined, installed: FoundBackend[], role: Role): FoundBackend {
  const names = [...new Set(installed.map((backend) => backend.name))];
  if (name !== undefined) {
    // Of two versions, the one nearest to the application: findBackends() orders them so.
    const match = installed.find((backend) => backend.name === name);
    if (match) return match;
    const what = role === "storage" ? "storage engine" : "backend";
    const have = names.length > 0 ? `installed: ${names.join(", ")}` : `no ${what} is installed`;
    throw fail(
      "ENOENT",
      `${what} "${name}" is not installed (${have}); add the package that provides it to the application's dependencies`,
    );
  }
  if (names.length === 0) {
    throw fail(
      "ENOENT",
      'no backend is installed: run "npm install @demikernel/libos-posix" (kernel sockets, works everywhere) in the application, ' +
        `or choose libos "${BUILT_IN}", which has in-memory queues only`,
    );
  }
  if (names.length > 1) {
    const list = installed.map((backend) => `${backend.name} (${backend.packageName})`).join(", ");
    throw fail(
      "EINVAL",
      `several backends are installed: ${list}; choose one with LIBOS=<name>, openLibOS({libos}) or the configuration file`,
    );
  }
  return installed[0];
}

function roots(from: string | undefined): Package[] {
  if (from !== undefined && (typeof from !== "string" || from === "")) {
    throw fail("EINVAL", `from must be a path or a file: URL; got ${describe(from)}`);
  }
  // npx and pnpm start a script through a link: the application may be around the link or around its target.
  const script = process.argv[1];
  const starts = [from && pathOf(from), script, script && realPath(script), process.cwd()];
  const unique = new Map<string, Package>();
  for (const start of starts) {
    const root = start ? nearestPackage(start) : undefined;
    if (root && !unique.has(root.dir)) unique.set(root.dir, root);
  }
  return [...unique.values()];
}

function pathOf(from: string): string {
  if (!from.startsWith("file:")) return from;
  try {
    return fileURLToPath(from);
  } catch (error) {
    throw fail("EINVAL", `from must be a path or a file: URL; got ${describe(from)}`, error);
  }
}

function declared(of: Package): FoundBackend | undefined {
  const declaration = of.manifest.demikernel;
  if (typeof declaration !== "object" || declaration === null) return undefined;
  const names = declaration as Partial<Record<Role, unknown>>;
  const roles = ROLES.filter((role) => names[role] !== undefined);
  const name = names[roles[0]];
  // One package is one engine: in both roles it has one name.
  if (roles.some((role) => names[role] !== name)) return undefined;
  if (typeof name !== "string" || !NAME.test(name) || name === BUILT_IN) return undefined;
  return {
    name,
    roles,
    packageName: String(of.manifest.name),
    dir: realPath(of.dir),
    version: String(of.manifest.version ?? "0.0.0"),
  };
}

function backendProblem(exported: unknown, name: string): string | undefined {
  if (typeof exported !== "object" || exported === null) return `its default export is ${describe(exported)}`;
  const backend = exported as Partial<Record<keyof Backend, unknown>>;
  if (backend.name !== name)
    return `its package.json says "${name}" but its default export says name ${describe(backend.name)}`;
  if (typeof backend.version !== "string") return "version is not a string";
  for (const method of ["load", "doctor", "limits"] as const) {
    if (typeof backend[method] !== "function") return `${method} is not a function`;
  }
  const features = backend.features as Record<string, unknown> | null | undefined;
  const lacking = FEATURES.find((feature) => typeof features?.[feature] !== "boolean");
  if (lacking) return `features.${lacking} is not a boolean`;
  if (typeof backend.options !== "object" || backend.options === null) return "options is not an object";
  return declarationProblem(backend.options as Record<string, object>);
}

function fail(code: string, detail: string, cause?: unknown): DemiError {
  return new DemiError(code, "openLibOS", detail, undefined, cause);
}
