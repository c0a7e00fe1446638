/** Which Demikernel servers there are to measure: one per engine of each installed backend. */
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { findBackends } from "@demikernel/core";
import type { Backend } from "@demikernel/core/backend";
import { Failure } from "../failure.js";

export interface Engine {
  libos: string;
  /** Value of the backend's option "engine"; undefined when it has no such option. */
  engine: string | undefined;
  /** The backend can sleep; without that it spins in every loop mode. */
  sleeps: boolean;
  /** What its options choose between. Where the engine is one of these, it names what is measured, and the backend does not. */
  choices: ReadonlySet<string>;
}

/** Engines of the backend called `libos`, or of all installed ones that speak TCP. Throws a Failure if no engine qualifies. */
export async function installedEngines(libos?: string): Promise<Engine[]> {
  const installed = findBackends(import.meta.url, "libos").filter(
    (found) => libos === undefined || found.name === libos,
  );
  if (installed.length === 0) {
    throw new Failure(libos === undefined ? "no backend is installed" : `backend "${libos}" is not installed`);
  }
  const engines: Engine[] = [];
  // Of two copies the one that openLibOS() would take.
  const nearest = installed.filter(({ name }, i) => installed.findIndex((other) => other.name === name) === i);
  for (const { name, dir, packageName } of nearest) {
    const backend = await load(dir, packageName);
    if (!backend.features.tcp) continue;
    const { sleep } = backend.features;
    const choices = new Set(Object.values(backend.options).flatMap(choicesOf));
    for (const engine of enginesOf(backend)) engines.push({ libos: name, engine, sleeps: sleep, choices });
  }
  if (engines.length === 0) throw new Failure("no installed backend speaks TCP");
  return engines;
}

/** The one backend, for options that are one backend's. Throws a Failure when there are several. */
export function onlyBackend(engines: readonly Engine[]): Engine {
  const names = [...new Set(engines.map(({ libos }) => libos))];
  if (names.length > 1) {
    throw new Failure(
      `--config, --host and --client-config are for one backend: choose it with --libos (installed: ${names.join(", ")})`,
    );
  }
  return { ...(engines[0] as Engine), engine: undefined };
}

async function load(dir: string, packageName: string): Promise<Backend> {
  try {
    const entry = createRequire(join(dir, "package.json")).resolve(packageName);
    return ((await import(pathToFileURL(entry).href)) as { default: Backend }).default;
  } catch (error) {
    throw new Failure(`${packageName} cannot be loaded: ${(error as Error).message}`);
  }
}

function enginesOf(backend: Backend): (string | undefined)[] {
  const named = choicesOf(backend.options.engine);
  return named.length === 0 ? [undefined] : named;
}

/** "auto" is one of the others. */
function choicesOf(schema: object | undefined): string[] {
  const choices = (schema as { enum?: unknown[] } | undefined)?.enum ?? [];
  return choices.filter((choice): choice is string => typeof choice === "string" && choice !== "auto");
}
