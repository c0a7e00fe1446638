/** Ending on Ctrl-C and SIGTERM. */

/** Calls `stop` on the first SIGINT or SIGTERM; a second one ends the process as usual. Returns what takes the handlers off. */
export function onStopSignal(stop: () => void): () => void {
  const handler = () => {
    off();
    stop();
  };
  const off = () => {
    process.off("SIGINT", handler);
    process.off("SIGTERM", handler);
  };
  process.on("SIGINT", handler);
  process.on("SIGTERM", handler);
  return off;
}
