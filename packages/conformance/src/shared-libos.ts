/** The libOS that cases share. Opening a device takes from a tenth of a second to several; most cases are about what comes after. */
import type { LibOS } from "@demikernel/core";
import type { ConformanceTarget } from "./target.js";
import { heldBy, IDLE_LIMIT, turn } from "./turns.js";

/** One libOS of a target at a time, for one thread: whoever takes it finds it as a fresh one is, with nothing outstanding and nothing held. */
export class SharedLibOS {
  #os: LibOS | undefined;

  constructor(readonly target: ConformanceTarget) {}

  /** The one that was left clean, or a new one. */
  async take(): Promise<LibOS> {
    this.#os ??= await this.target.open();
    return this.#os;
  }

  /** After a case that passed: the next one gets this libOS only if the case left it clean. */
  async settle(): Promise<void> {
    if (this.#os !== undefined && !(await isClean(this.#os, IDLE_LIMIT * (this.target.timeScale ?? 1)))) this.end();
  }

  /** After a case that failed, before one that opens its own, and behind the last. */
  end(): void {
    this.#os?.destroy();
    this.#os = undefined;
  }
}

/** Whether nothing is left of a case: no queue, no operation, no completion that nobody fetched, no memory. */
async function isClean(os: LibOS, limit: number): Promise<boolean> {
  if (os.closed) return false;
  const deadline = performance.now() + limit;
  for (;;) {
    let unexpected = 0;
    os.turn(() => unexpected++);
    const { outstanding, queues, ...memory } = heldBy(os);
    // Only what the device holds comes back by itself.
    if (unexpected > 0 || outstanding > 0 || queues > 0) return false;
    if (Object.values(memory).every((value) => value === 0)) return true;
    if (performance.now() > deadline) return false;
    await turn();
  }
}
