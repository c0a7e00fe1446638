/** Commands that may not run for what files are: while the dataset is being loaded, or when it cannot be saved (Redis: processCommand). */
import type { Command } from "../commands/command.js";
import type { Client } from "../server/client.js";
import type { Server } from "../server/server.js";

export const LOADING = "LOADING Redis is loading the dataset in memory";
export const CANNOT_SAVE =
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set " +
  "are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails " +
  "(stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error.";

/** Asked only while one of these is so. */
export function refusalOfFiles({ aof, loading, rdb }: Server, client: Client, command: Command): string | undefined {
  const queued = command.name === "exec" ? client.transaction?.queued : undefined;
  if (rdb.isRefusing || aof.error !== undefined) {
    const writes = command.isWrite || queued?.some((one) => one.command.isWrite);
    if (writes || command.name === "ping")
      return rdb.isRefusing ? CANNOT_SAVE : `MISCONF Errors writing to the AOF file: ${aof.error}`;
  }
  if (!loading.isOn) return undefined;
  const denies = loading.isAside
    ? (one: Command) => one.flags.has("no_async_loading")
    : (one: Command) => !one.flags.has("loading");
  return denies(command) || queued?.some((one) => denies(one.command)) ? LOADING : undefined;
}
