import type { Backend, NativeLibOS } from "./backend.js";
import { loadConfig, resolveOptions } from "./config.js";
import { channels } from "./diagnostics.js";
import { chosenName, loadBackend } from "./discovery.js";
import { DemiError, errorName } from "./errors.js";
import { DemiLibOS } from "./libos.js";
import type { ImportedBackend, LibOSOptions } from "./libos-options.js";
import type { LibOS } from "./types.js";

/**
 * Opens a libOS on this thread. Throws {@link DemiError}: ENOENT when no such backend is installed, EINVAL for a wrong option (the
 * message names it), or what the device answered.
 */
export async function openLibOS<L extends string = ImportedBackend, S extends string = never>(
  options?: LibOSOptions<L, S>,
): Promise<LibOS> {
  const { libos, storage: wanted, config, from, ...given } = (options ?? {}) as LibOSOptions;
  const file = loadConfig(config);
  const backend = await loadBackend(chosenName(libos, file.libos), from);
  const storage = await storageEngine(wanted, file.storage, backend, from);
  const resolved = resolveOptions(backend, file, given, storage);
  const { core } = resolved;
  let native: NativeLibOS;
  try {
    const limits = {
      ringEntries: core.ringEntries,
      tokens: core.tokens,
      queues: core.queues,
      classes: [...core.arena],
    };
    const network = { name: backend.name, options: resolved.backend };
    native = backend.load().open(limits, network, storage && { ...named(storage), options: resolved.storage ?? {} });
  } catch (error) {
    if (error instanceof DemiError) throw error;
    const { errno, message } = error as { errno?: number; message?: string };
    const code = typeof errno === "number" ? errorName(errno) : "ENOEXEC";
    const names = storage ? `${backend.name} with ${storage.name}` : backend.name;
    throw new DemiError(code, "open", `${names}: ${message ?? String(error)}`, undefined, error);
  }
  const os = new DemiLibOS(storage ? [backend.name, storage.name] : [backend.name], native, core);
  if (channels.open.hasSubscribers) channels.open.publish({ libos: os.name, engine: os.engine });
  return os;
}

/** The backend in the role of storage; undefined when none is wanted: the call says null, or the file names the libOS that was chosen. */
async function storageEngine(
  wanted: string | null | undefined,
  configured: string | undefined,
  network: Backend,
  from?: string,
): Promise<Backend | undefined> {
  if (wanted === network.name) {
    throw new DemiError("EINVAL", "openLibOS", `${wanted} is the libOS: another engine is needed as its storage`);
  }
  const name = wanted === undefined && configured !== network.name ? configured : wanted;
  return name === undefined || name === null ? undefined : loadBackend(name, from, "storage");
}

/** What another addon needs of a storage engine to open it. */
function named(storage: Backend): { name: string; module: unknown } {
  return { name: storage.name, module: storage.load().module };
}
