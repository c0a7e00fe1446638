import type { NativeLibOS } from "./backend.js";
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
  const { libos, config, from, ...given } = (options ?? {}) as LibOSOptions;
  const file = loadConfig(config);
  const backend = await loadBackend(chosenName(libos, file.libos), from);
  const resolved = resolveOptions(backend, file, given);
  const { core } = resolved;
  let native: NativeLibOS;
  try {
    const limits = {
      ringEntries: core.ringEntries,
      tokens: core.tokens,
      queues: core.queues,
      classes: [...core.arena],
    };
    native = backend.load().open(limits, resolved.backend);
  } catch (error) {
    if (error instanceof DemiError) throw error;
    const { errno, message } = error as { errno?: number; message?: string };
    const code = typeof errno === "number" ? errorName(errno) : "ENOEXEC";
    throw new DemiError(code, "open", `${backend.name}: ${message ?? String(error)}`, undefined, error);
  }
  const os = new DemiLibOS(backend.name, native, core);
  if (channels.open.hasSubscribers) channels.open.publish({ libos: os.name, engine: os.engine });
  return os;
}
