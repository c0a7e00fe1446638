import { performance } from "node:perf_hooks";
import { DemiError } from "../errors.js";
import type { Completion, CompletionOf, QueueToken } from "../types.js";
import type { Runtime } from "./runtime.js";
import { Holder } from "./tokens.js";

/** Longest single wait in the device: a pending signal's native handler and a destroyed peer are seen at least this often. */
const SLICE_MICROSECONDS = 1000;

/** The blocking calls of the papers (wait, wait_any, wait_all, wait_next_n) over one thread's libOS. */
export class Waiter {
  readonly #runtime: Runtime;
  /** Where the next waitAny starts to look, so that a busy token cannot starve its neighbours. */
  #next = 0;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  poll<T extends QueueToken>(qt: T, syscall = "poll"): CompletionOf<T> | undefined {
    const runtime = this.#runtime;
    if (this.#waitable(qt, syscall) !== Holder.DONE) {
      runtime.poll(0);
      const completion = runtime.pickAlone(qt);
      if (completion !== undefined) return completion;
      runtime.dispatch(undefined);
      if (runtime.holder(qt) !== Holder.DONE) return undefined;
    }
    return runtime.pick(qt);
  }

  wait<T extends QueueToken>(qt: T, timeout: number | undefined): CompletionOf<T> {
    checkTimeout(timeout, "wait");
    // Most operations complete with the crossing that starts them: no closure and no clock until then.
    const completion = this.poll(qt, "wait");
    if (completion !== undefined) return completion;
    const runtime = this.#runtime;
    this.#until("wait", timeout, () => runtime.holder(qt) === Holder.DONE);
    return runtime.pick(qt);
  }

  waitAny<T extends QueueToken>(qts: readonly T[], timeout: number | undefined): CompletionOf<T> & { index: number } {
    if (!Array.isArray(qts) || qts.length === 0) throw new DemiError("EINVAL", "waitAny", "no tokens");
    for (const qt of qts) this.#waitable(qt, "waitAny");
    const runtime = this.#runtime;
    let found = -1;
    this.#until("waitAny", timeout, () => {
      for (let n = 0; n < qts.length; n++) {
        const i = (this.#next + n) % qts.length;
        if (runtime.holder(qts[i]) === Holder.DONE) {
          found = i;
          return true;
        }
      }
      return false;
    });
    this.#next = found + 1;
    const completion = runtime.pick(qts[found]) as CompletionOf<T>;
    return { ...completion, index: found };
  }

  /** All or nothing: on a timeout no token has been used up. */
  waitAll<const T extends readonly QueueToken[]>(
    qts: T,
    timeout: number | undefined,
  ): { -readonly [I in keyof T]: CompletionOf<T[I]> } {
    if (!Array.isArray(qts)) throw new DemiError("EINVAL", "waitAll", "no array of tokens");
    for (const qt of qts) this.#waitable(qt, "waitAll");
    if (new Set(qts).size !== qts.length) throw new DemiError("EINVAL", "waitAll", "a token is named twice");
    const runtime = this.#runtime;
    this.#until("waitAll", timeout, () => qts.every((qt) => runtime.holder(qt) === Holder.DONE));
    return qts.map((qt) => runtime.pick(qt)) as { -readonly [I in keyof T]: CompletionOf<T[I]> };
  }

  waitNext(max: number, timeout: number | undefined): Completion[] {
    this.#runtime.open("waitNext");
    if (!Number.isInteger(max) || max < 1) throw new DemiError("EINVAL", "waitNext", `max is ${max}, not at least 1`);
    const { done } = this.#runtime;
    const completions: Completion[] = [];
    this.#until("waitNext", timeout, () => {
      for (let qt = done.take(); qt !== 0; qt = done.take()) {
        completions.push(this.#runtime.pick(qt));
        if (completions.length === max) break;
      }
      return completions.length > 0;
    });
    return completions;
  }

  #waitable(qt: QueueToken, syscall: string): Holder {
    const holder = this.#runtime.outstanding(qt, syscall);
    if (holder === Holder.CALLBACK) {
      throw new DemiError("EBUSY", syscall, `a promise waits for token ${qt} already`);
    }
    return holder;
  }

  #until(syscall: string, timeout: number | undefined, done: () => boolean): void {
    checkTimeout(timeout, syscall);
    if (done()) return;
    const runtime = this.#runtime;
    const deadline = timeout === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeout;
    let slice = 0;
    for (;;) {
      runtime.poll(slice);
      runtime.dispatch(undefined);
      if (done()) return;
      const left = (deadline - performance.now()) * 1000;
      if (left <= 0) throw new DemiError("ETIMEDOUT", syscall, `nothing completed in ${timeout} ms`);
      slice = runtime.ready ? 0 : Math.min(SLICE_MICROSECONDS, Math.ceil(left));
    }
  }
}

function checkTimeout(timeout: number | undefined, syscall: string): void {
  if (timeout !== undefined && !(timeout >= 0)) {
    throw new DemiError("EINVAL", syscall, `timeout is ${timeout}, not milliseconds`);
  }
}
