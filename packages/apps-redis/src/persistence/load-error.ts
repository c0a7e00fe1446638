/** What is on the disk and cannot be loaded: the server does not start then. */
import { BadFormat } from "../rdb/format.js";

/** Told to whoever starts the server. */
export class LoadError extends Error {}

/** What loading `name` has thrown, as whoever starts the server is to hear it; what is no fault of the file stays as it is. */
export function asLoadError(name: string, error: unknown): unknown {
  if (!(error instanceof BadFormat) && (error as NodeJS.ErrnoException).code === undefined) return error;
  return new LoadError(`${name} cannot be loaded: ${(error as Error).message}`);
}
