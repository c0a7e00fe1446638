/** The options every command takes to choose and set up the backend, and how its failures are told. */
import { DemiError, type LibOS, type LoopMode, openLibOS } from "@demikernel/core";
import { type Command, Option } from "commander";
import { Failure } from "./failure.js";

export interface BackendOptions {
  libos?: string;
  config?: string;
  loop?: LoopMode;
}

/** Of commands that use a storage engine beside the network. */
export interface StorageOptions {
  storage?: string;
  storageDevice?: string;
}

/** Adds --libos, --config and --loop. */
export function addBackendOptions(command: Command): Command {
  return command
    .option("--libos <name>", "backend to use where several are installed (or LIBOS in the environment)")
    .option("--config <file>", "YAML file with the backend's options (or DEMI_CONFIG in the environment)")
    .addOption(
      new Option("--loop <mode>", "how the libOS shares the thread with Node's event loop").choices([
        "poll",
        "adaptive",
        "interrupt",
      ]),
    );
}

/** Adds --storage and --storage-device. */
export function addStorageOptions(command: Command): Command {
  return command
    .option("--storage <name>", "storage engine beside the network, as in the configuration file's storage: spdk")
    .option("--storage-device <device>", "the storage engine's option device: file:PATH, file:PATH,size=1GiB");
}

export async function openBackend(options: BackendOptions & StorageOptions): Promise<LibOS> {
  const { libos, config, loop, storage, storageDevice } = options;
  if (storageDevice !== undefined && storage === undefined)
    throw new Failure("--storage-device is an option of the engine that --storage names: --storage spdk");
  const device = storage === undefined || storageDevice === undefined ? {} : { [storage]: { device: storageDevice } };
  try {
    return await openLibOS({ libos, config, loop, storage, ...device });
  } catch (error) {
    throw asFailure(error);
  }
}

/** What a failed call says to the user; anything but a DemiError is a bug and keeps its stack. */
export function asFailure(error: unknown, doing = ""): unknown {
  if (!(error instanceof DemiError)) return error;
  return new Failure(`${doing}${doing && ": "}${error.message}${HINTS[error.code] ? ` (${HINTS[error.code]})` : ""}`);
}

const HINTS: Record<string, string | undefined> = {
  EADDRINUSE: "another program has the port",
  EADDRNOTAVAIL: "this machine does not have the address",
  EACCES: "not permitted for this user",
};
