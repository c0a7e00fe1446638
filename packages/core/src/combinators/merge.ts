import { constants } from "node:os";
import type { DerivedQueue } from "../runtime/derived.js";
import type { Runtime } from "../runtime/runtime.js";
import type { QueueDescriptor, QueueToken, Sga } from "../types.js";
import { Intake } from "./intake.js";
import { Outlet } from "./outlet.js";
import { Pushes } from "./pushes.js";
import { checkSource, isEnd, release } from "./source.js";

const { EMSGSIZE } = constants.errno;

/**
 * Two queues as one. While pops wait here, one pop waits at each source, and whichever brings an element first serves the oldest; when
 * both have elements they take turns. A push goes to both and ends when both ended, with the first error.
 *
 * A source's error ends the pop that met it. A source that has ended, by the end of its stream or by an error, is left out from then
 * on; when both have, every pop ends with the first such error, or with 0.
 */
export function merge(runtime: Runtime, a: QueueDescriptor, b: QueueDescriptor): QueueDescriptor {
  checkSource(runtime, a, "merge");
  checkSource(runtime, b, "merge");
  return runtime.derive(new MergeQueue(runtime, a, b));
}

class MergeQueue implements DerivedQueue {
  readonly #runtime: Runtime;
  readonly #outlet: Outlet;
  readonly #pushes: Pushes;
  /** Of the sources that have not ended, one pop each: when both have elements they take turns. */
  #intakes: Intake[];
  /** What pops end with when both sources have ended. */
  #end = 0;
  #closed = false;

  constructor(runtime: Runtime, ...sources: [QueueDescriptor, QueueDescriptor]) {
    this.#runtime = runtime;
    this.#outlet = new Outlet(runtime);
    this.#pushes = new Pushes(runtime, ...sources);
    this.#intakes = sources.map((source) => {
      const intake: Intake = new Intake(runtime, source, (result, sga, limit) =>
        this.#arrived(intake, result, sga, limit),
      );
      return intake;
    });
  }

  push(qt: QueueToken, sga: Sga, flags: number): void {
    this.#pushes.forward(qt, sga, flags);
  }

  pop(qt: QueueToken, limit: number): void {
    this.#outlet.pop(qt, limit);
    this.#fill();
  }

  cancel(qt: QueueToken): boolean {
    if (!this.#outlet.remove(qt)) return this.#pushes.cancel(qt);
    this.#fill();
    return true;
  }

  close(): void {
    this.#closed = true;
    for (const intake of this.#intakes) intake.keep(0);
    this.#outlet.close();
    this.#pushes.close();
  }

  #fill(): void {
    if (this.#intakes.length === 0) this.#outlet.failAll(this.#end);
    while (this.#outlet.lacking > 0) {
      const errors = this.#intakes.map((intake) =>
        intake.wanted > 0 ? 0 : intake.start(this.#outlet.limit as number),
      );
      // One that has started is enough for the oldest pop.
      if (errors.some((error) => error === 0)) return;
      this.#outlet.fail(errors[0]);
    }
    for (const intake of this.#intakes) intake.keep(0);
  }

  #arrived(intake: Intake, result: number, sga: Sga, limit: number): void {
    if (this.#closed) {
      release(this.#runtime, sga);
      return;
    }
    if (sga !== 0) {
      this.#outlet.put(sga);
    } else if (isEnd(result)) {
      this.#intakes = this.#intakes.filter((other) => other !== intake);
      if (result < 0) {
        this.#end ||= result;
        this.#outlet.fail(result);
      }
      // The limit may be that of a pop which has ended since: fill() then asks again for the one that waits now.
    } else if (result !== -EMSGSIZE || limit === this.#outlet.limit) {
      this.#outlet.fail(result);
    }
    this.#fill();
  }
}
