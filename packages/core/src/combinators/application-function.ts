/** Stands for the value of a function that gave none. */
export const FAILED = Symbol("failed");

/**
 * An application's predicate, map function or comparator. The pop or push during which it throws ends with EINVAL; the exception itself
 * becomes a process warning, the first one only, so that a wrong function on a busy queue does not flood the log.
 */
export class ApplicationFunction<A extends unknown[], R> {
  readonly #call: string;
  readonly #fn: (...args: A) => R;
  #warned = false;

  /** `call`: "filter", "map", "sort". */
  constructor(call: string, fn: (...args: A) => R) {
    this.#call = call;
    this.#fn = fn;
  }

  /** The function's value; FAILED when it threw or gave a promise, which a queue cannot wait for. */
  try(...args: A): R | typeof FAILED {
    try {
      const value = this.#fn(...args);
      if (typeof value === "object" && value !== null) throw new TypeError("must not return an object or a promise");
      return value;
    } catch (error) {
      this.#warn(error);
      return FAILED;
    }
  }

  #warn(error: unknown): void {
    if (this.#warned) return;
    this.#warned = true;
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.emitWarning(`the function given to ${this.#call}() failed: ${detail}`, {
      type: "DemiWarning",
      code: "DEMI_APPLICATION_FUNCTION",
    });
  }
}
