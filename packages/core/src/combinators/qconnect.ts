import { constants } from "node:os";
import { DemiError } from "../errors.js";
import type { DerivedQueue } from "../runtime/derived.js";
import type { Runtime } from "../runtime/runtime.js";
import { PushFlag, type QueueDescriptor, type QueueToken, type Sga } from "../types.js";
import { Intake } from "./intake.js";
import { PendingPops } from "./pending-pops.js";
import { checkSource, release } from "./source.js";

const { ECANCELED, EOPNOTSUPP } = constants.errno;

/** Most elements on their way: pushes not yet done. The source is not popped while there are as many, so a slow sink holds back the source. */
const WINDOW = 8;

/**
 * A pipe: what pops from `from` is pushed to `to`, in order, without a copy where the queues can do without. It ends with the stream of
 * `from`, with an error of either, or when the returned queue is closed; the two queues stay open.
 *
 * A pop of the returned queue ends when the pipe does, with 0 or the error. It takes no pushes.
 */
export function qconnect(runtime: Runtime, from: QueueDescriptor, to: QueueDescriptor): QueueDescriptor {
  checkSource(runtime, from, "qconnect");
  checkSource(runtime, to, "qconnect");
  if (from === to) throw new DemiError("EINVAL", "qconnect", "connects a queue to itself", from);
  const pipe = new Pipe(runtime, from, to);
  const qd = runtime.derive(pipe);
  pipe.start();
  return qd;
}

class Pipe implements DerivedQueue {
  readonly #runtime: Runtime;
  readonly #to: QueueDescriptor;
  readonly #intake: Intake;
  readonly #pops: PendingPops;
  #pushing = 0;
  /** Why it ended or is ending: 0 or a negative errno; undefined while it runs. */
  #end: number | undefined;

  constructor(runtime: Runtime, from: QueueDescriptor, to: QueueDescriptor) {
    this.#runtime = runtime;
    this.#to = to;
    this.#intake = new Intake(runtime, from, (result, sga) => this.#arrived(result, sga));
    this.#pops = new PendingPops(runtime);
  }

  push(qt: QueueToken, sga: Sga, flags: number): void {
    if ((flags & PushFlag.FREE) !== 0) release(this.#runtime, sga);
    this.#runtime.finish(qt, -EOPNOTSUPP, 0);
  }

  pop(qt: QueueToken, limit: number): void {
    this.#pops.add(qt, limit);
    this.#settle();
  }

  cancel(qt: QueueToken): boolean {
    return this.#pops.remove(qt);
  }

  close(): void {
    this.#stop(-ECANCELED);
    this.#pops.finishAll(-ECANCELED);
  }

  start(): void {
    if (this.#end !== undefined || this.#intake.inFlight > 0 || this.#pushing >= WINDOW) return;
    const error = this.#intake.start(0);
    if (error < 0) this.#stop(error);
  }

  #arrived(result: number, sga: Sga): void {
    // Also after the end: what could not be left in the source still goes where it was meant to go.
    if (sga !== 0) this.#pass(sga);
    else this.#stop(result);
    this.start();
  }

  #pass(sga: Sga): void {
    let qt: QueueToken;
    try {
      qt = this.#runtime.push(this.#to, sga, PushFlag.FREE);
    } catch (error) {
      if (!(error instanceof DemiError)) throw error;
      release(this.#runtime, sga);
      this.#stop(error.errno);
      return;
    }
    this.#pushing++;
    this.#runtime.attach(qt, (result) => {
      this.#pushing--;
      if (result < 0) this.#stop(result);
      this.start();
      this.#settle();
    });
  }

  #stop(result: number): void {
    this.#end ??= result;
    this.#intake.keep(0);
    this.#settle();
  }

  #settle(): void {
    if (this.#end !== undefined && this.#pushing === 0) this.#pops.finishAll(this.#end);
  }
}
