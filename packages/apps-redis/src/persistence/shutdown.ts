/** The end of the server: SHUTDOWN, SIGTERM and SIGINT. The dataset is saved before if that is wanted, or if there are save points. */
import type { Server } from "../server/server.js";

export interface ShutdownOptions {
  save?: boolean;
  nosave?: boolean;
  now?: boolean;
  /** It ends although the dataset could not be saved. */
  force?: boolean;
}

/** False: it could not be saved, and the server goes on. */
export function shutDown(server: Server, options: ShutdownOptions): boolean {
  const { loading, rdb } = server;
  // Half of a dataset is not to take the place of all of it.
  const isHalf = loading.isOn && !loading.isAside;
  const saves = !isHalf && (options.save === true || (rdb.points.length !== 0 && options.nosave !== true));
  // What it would have is older than what is saved now.
  rdb.abandon();
  if (saves) {
    server.note("saving before the end");
    if (!rdb.saveNow() && options.force !== true) {
      server.log("it goes on, as the dataset could not be saved");
      return false;
    }
  }
  loading.abort();
  server.stop();
  return true;
}

/**
 * A signal ends the server, as `shutdown-on-sigterm` and `shutdown-on-sigint` say. A second one ends the process at once, even within the
 * first one's saving: by then it is nobody's here. Where it could not be saved the next one is taken again.
 */
export function followSignals(server: Server): void {
  followSignal(server, "SIGTERM");
  followSignal(server, "SIGINT");
}

function followSignal(server: Server, signal: "SIGTERM" | "SIGINT"): void {
  process.once(signal, () => {
    const { shutdownOnSigint, shutdownOnSigterm } = server.config;
    const words = (signal === "SIGINT" ? shutdownOnSigint : shutdownOnSigterm).split(" ");
    if (!shutDown(server, Object.fromEntries(words.map((word) => [word, true])))) followSignal(server, signal);
  });
}
