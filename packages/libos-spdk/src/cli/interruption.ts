/** Ending on Ctrl-C and SIGTERM. */

export interface Interruption {
  /** Aborted by the first SIGINT or SIGTERM; a second one ends the process as usual. */
  readonly signal: AbortSignal;
  /** Takes the handlers off. */
  off(): void;
}

export function interruption(): Interruption {
  const controller = new AbortController();
  const off = () => {
    process.off("SIGINT", handler);
    process.off("SIGTERM", handler);
  };
  const handler = () => {
    off();
    controller.abort();
  };
  process.on("SIGINT", handler);
  process.on("SIGTERM", handler);
  return { signal: controller.signal, off };
}
