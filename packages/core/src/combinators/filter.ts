import { constants } from "node:os";
import type { DerivedQueue } from "../runtime/derived.js";
import type { Runtime } from "../runtime/runtime.js";
import type { QueueDescriptor, QueueToken, Sga } from "../types.js";
import { ApplicationFunction, FAILED } from "./application-function.js";
import { Intake } from "./intake.js";
import { Outlet } from "./outlet.js";
import { Pushes } from "./pushes.js";
import { checkFunction, checkSource, release } from "./source.js";

const { EINVAL, EMSGSIZE } = constants.errno;

export type Predicate = (sga: Sga) => boolean;

/**
 * The elements of a queue that match. The source is popped only while pops wait here, one for one; what does not match is freed and
 * popped again for. A push goes to the source if it matches, else it ends with 0.
 */
export function filter(runtime: Runtime, qd: QueueDescriptor, predicate: Predicate): QueueDescriptor {
  checkSource(runtime, qd, "filter");
  checkFunction(predicate, "filter");
  return runtime.derive(new FilterQueue(runtime, qd, predicate));
}

class FilterQueue implements DerivedQueue {
  readonly #runtime: Runtime;
  readonly #predicate: ApplicationFunction<[Sga], boolean>;
  readonly #intake: Intake;
  readonly #outlet: Outlet;
  readonly #pushes: Pushes;
  #closed = false;

  constructor(runtime: Runtime, source: QueueDescriptor, predicate: Predicate) {
    this.#runtime = runtime;
    this.#predicate = new ApplicationFunction("filter", predicate);
    this.#intake = new Intake(runtime, source, (result, sga, limit) => this.#arrived(result, sga, limit));
    this.#outlet = new Outlet(runtime);
    this.#pushes = new Pushes(runtime, source);
  }

  push(qt: QueueToken, sga: Sga, flags: number): void {
    const valid = this.#runtime.arena.owns(sga);
    const matches = valid ? this.#predicate.try(sga) : FAILED;
    if (matches === FAILED) this.#pushes.end(qt, sga, flags, -EINVAL);
    else if (!matches) this.#pushes.end(qt, sga, flags, 0);
    else this.#pushes.forward(qt, sga, flags);
  }

  pop(qt: QueueToken, limit: number): void {
    this.#outlet.pop(qt, limit);
    this.#fill(limit);
  }

  cancel(qt: QueueToken): boolean {
    if (!this.#outlet.remove(qt)) return this.#pushes.cancel(qt);
    this.#intake.keep(this.#outlet.lacking);
    return true;
  }

  close(): void {
    this.#closed = true;
    this.#intake.keep(0);
    this.#outlet.close();
    this.#pushes.close();
  }

  #fill(limit: number): void {
    while (this.#intake.wanted < this.#outlet.lacking) {
      const error = this.#intake.start(limit);
      if (error < 0) this.#outlet.fail(error);
    }
  }

  #arrived(result: number, sga: Sga, limit: number): void {
    if (sga !== 0) this.#examine(sga);
    // The limit was that of a pop which has ended since: ask again for the one that waits now.
    else if (result !== -EMSGSIZE || limit === this.#outlet.limit) this.#outlet.fail(result);
    if (!this.#closed) this.#fill(result === -EMSGSIZE ? (this.#outlet.limit ?? 0) : limit);
  }

  #examine(sga: Sga): void {
    const matches = this.#closed ? false : this.#predicate.try(sga);
    // The predicate may have closed this queue.
    if (matches && matches !== FAILED && !this.#closed) {
      this.#outlet.put(sga);
      return;
    }
    release(this.#runtime, sga);
    if (matches === FAILED) this.#outlet.fail(-EINVAL);
  }
}
