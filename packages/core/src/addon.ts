/** Loads the native part of a package, and says what to do where it does not load. */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { NativeAddon } from "./native.js";
import { nearestPackage } from "./packages.js";

/** What an addon is made with, for the sentences that say why it does not load. */
export interface AddonPackages {
  /** The Debian packages that building it needs. */
  readonly build: string;
  /** Those it needs at run time; default: nothing beside the C library. */
  readonly runtime?: string;
  /** What it was made for, for the case that something else is there: "it needs libfabric 1.17 or newer". */
  readonly madeFor?: string;
}

/**
 * Loads the addon that lies in `prebuilds/`, or was built last, of the package around `module`, an import.meta.url. Throws an Error whose
 * message says what to install where it cannot be loaded.
 */
export function loadAddon(module: string, packages: AddonPackages): NativeAddon {
  const around = nearestPackage(fileURLToPath(module));
  if (around === undefined) throw new Error(`no package.json around ${module}`);
  try {
    return createRequire(import.meta.url)("node-gyp-build")(around.dir) as NativeAddon;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Error(explainAddon(String(around.manifest.name), message, packages), { cause: error });
  }
}

/** What to do about what node-gyp-build, or the dynamic linker beneath it, said of the addon of the package `name`. */
export function explainAddon(name: string, message: string, { build, runtime, madeFor }: AddonPackages): string {
  const addon = `the native part of ${name}`;
  const platform = `${process.platform}-${process.arch}`;
  const library = /(\S+): cannot open shared object file/.exec(message)?.[1];
  if (library) {
    const install = runtime ? `: on Debian 12 run \`apt install ${runtime}\`` : "";
    return `${addon} needs ${library}, which is not installed${install}`;
  }
  if (message.startsWith("No native build was found")) {
    const needs = runtime ? `; it runs on Debian 12 and needs \`${runtime}\`` : "";
    return `${addon} is not built for ${platform}: ${buildLine(build)}${needs}`;
  }
  const libc = /version `((?:GLIBC|GLIBCXX)_[\d.]+)' not found/.exec(message)?.[1];
  if (libc) return `${addon} needs a newer C library, one with ${libc}: ${buildLine(build)}`;
  if (/wrong ELF class|invalid ELF header|Exec format error/.test(message)) {
    return `${addon} was built for another machine than ${platform}: ${buildLine(build)}`;
  }
  const made = madeFor ? `; ${madeFor} (${runtime})` : "";
  return `${addon} cannot be loaded: ${message}${made}`;
}

/** True for a message that says that there is no addon for this machine, and not that something beneath it is missing. */
export function mustBeBuilt(message: string): boolean {
  return message.includes(BUILD);
}

const BUILD = "in a checkout run";
const buildLine = (build: string) => `${BUILD} \`apt install ${build}\` and \`pnpm build\``;
