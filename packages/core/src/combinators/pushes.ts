import { constants } from "node:os";
import { DemiError } from "../errors.js";
import type { Runtime } from "../runtime/runtime.js";
import { PushFlag, type QueueDescriptor, type QueueToken, type Sga } from "../types.js";
import { release } from "./source.js";

const { ECANCELED, EINVAL } = constants.errno;

interface Push {
  /** Pushes to sources that have not ended. */
  left: number;
  /** The first error, else the bytes pushed. */
  result: number;
  parts: QueueToken[];
}

/** Pushes of a derived queue on their way to its sources. They end in the order they were started, as those of any queue. */
export class Pushes {
  readonly #runtime: Runtime;
  readonly #targets: readonly QueueDescriptor[];
  /** By token; a Map keeps the order of insertion. */
  readonly #pushes = new Map<QueueToken, Push>();

  constructor(runtime: Runtime, ...targets: QueueDescriptor[]) {
    this.#runtime = runtime;
    this.#targets = targets;
  }

  /** Pushes the sga to every target; the push ends when all of these did. */
  forward(qt: QueueToken, sga: Sga, flags: number): void {
    if (!this.#runtime.arena.owns(sga)) {
      this.end(qt, sga, flags, -EINVAL);
      return;
    }
    const push: Push = { left: this.#targets.length, result: 0, parts: [] };
    this.#pushes.set(qt, push);
    const last = this.#targets.length - 1;
    this.#targets.forEach((target, i) => {
      // Only the last one may give the sga away: until then it must stay valid.
      const part = i === last ? flags : flags & ~PushFlag.FREE;
      this.#start(qt, push, target, sga, part);
    });
    this.#settle();
  }

  /** Ends a push that goes nowhere, in its turn. */
  end(qt: QueueToken, sga: Sga, flags: number, result: number): void {
    if ((flags & PushFlag.FREE) !== 0) release(this.#runtime, sga);
    this.#pushes.set(qt, { left: 0, result, parts: [] });
    this.#settle();
  }

  cancel(qt: QueueToken): boolean {
    const push = this.#pushes.get(qt);
    if (push === undefined || push.left === 0) return false;
    if (!this.#callBack(push)) return false;
    this.#pushes.delete(qt);
    this.#settle();
    return true;
  }

  close(): void {
    for (const [qt, push] of this.#pushes) {
      if (push.left > 0) this.#callBack(push);
      this.#runtime.finish(qt, push.left > 0 ? -ECANCELED : push.result, 0);
    }
    this.#pushes.clear();
  }

  #start(qt: QueueToken, push: Push, target: QueueDescriptor, sga: Sga, flags: number): void {
    let part: QueueToken;
    try {
      part = this.#runtime.push(target, sga, flags);
    } catch (error) {
      if (!(error instanceof DemiError)) throw error;
      if ((flags & PushFlag.FREE) !== 0) release(this.#runtime, sga);
      this.#ended(push, error.errno);
      return;
    }
    push.parts.push(part);
    this.#runtime.attach(part, (result) => {
      push.parts.splice(push.parts.indexOf(part), 1);
      this.#ended(push, result);
      if (this.#pushes.get(qt) === push) this.#settle();
    });
  }

  #ended(push: Push, result: number): void {
    push.left--;
    if (push.result >= 0) push.result = result < 0 ? result : Math.max(push.result, result);
  }

  /** True when no source took it. */
  #callBack(push: Push): boolean {
    if (this.#runtime.closed) return false;
    const untouched = push.parts.length === this.#targets.length;
    const called = push.parts.map((part) => this.#runtime.cancel(part));
    return untouched && called.every(Boolean);
  }

  #settle(): void {
    for (const [qt, push] of this.#pushes) {
      if (push.left > 0) return;
      this.#pushes.delete(qt);
      this.#runtime.finish(qt, push.result, 0);
    }
  }
}
