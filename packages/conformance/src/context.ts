/** Runs one case: its libOS, its clean-up, its deadline. */
import type { LibOS } from "@demikernel/core";
import type { CaseContext, ConformanceCase } from "./case.js";
import { generator } from "./payload.js";
import type { SharedLibOS } from "./shared-libos.js";
import type { ConformanceTarget, OpenOverrides } from "./target.js";

class Context implements CaseContext {
  readonly random: () => number;
  readonly #undo: (() => void | Promise<void>)[] = [];
  readonly #deadline: number;
  #over = false;

  constructor(
    private readonly shared: SharedLibOS,
    private readonly own: boolean,
    readonly seed: number,
    timeout: number,
  ) {
    this.random = generator(seed);
    this.#deadline = performance.now() + timeout;
  }

  get target(): ConformanceTarget {
    return this.shared.target;
  }

  scaled(milliseconds: number): number {
    return milliseconds * (this.target.timeScale ?? 1);
  }

  async open(overrides?: OpenOverrides): Promise<LibOS> {
    if (!this.own) {
      if (overrides !== undefined) throw new Error("a case that asks for options opens its own libOS: { own: true }");
      if (this.#over) throw new Error("the case is over");
      return this.shared.take();
    }
    const os = await this.target.open(overrides ?? {});
    this.defer(() => os.destroy());
    return os;
  }

  defer(undo: () => void | Promise<void>): void {
    // A case that ran out of time may still be on its way: what it opens now has nobody else to close it.
    if (this.#over) void undo();
    else this.#undo.push(undo);
  }

  host(family: 4 | 6): string {
    return this.target.address?.(family).host ?? (family === 6 ? "::1" : "127.0.0.1");
  }

  peerHost(family: 4 | 6): string {
    return this.target.peerAddress?.(family).host ?? this.host(family);
  }

  remaining(): number {
    return Math.max(1, Math.ceil(this.#deadline - performance.now()));
  }

  check(waitingFor: string): void {
    if (performance.now() > this.#deadline) throw new Error(`out of time, waiting for ${waitingFor}`);
  }

  async end(): Promise<void> {
    this.#over = true;
    const failures: unknown[] = [];
    for (const undo of this.#undo.splice(0).reverse()) {
      try {
        await undo();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}

/** The seed of a run: DEMI_SEED, or a fresh one. */
export function chooseSeed(): number {
  const given = Number(process.env.DEMI_SEED);
  return Number.isInteger(given) && given > 0 ? given : Math.floor(Math.random() * 0x7fffffff) + 1;
}

/** Milliseconds a case may take on a target. */
export function timeoutOf(target: ConformanceTarget, test: ConformanceCase): number {
  return test.timeout * (target.timeScale ?? 1);
}

/** Runs a case to its end or its timeout; rejects with what failed, the seed in the message. */
export async function runCase(shared: SharedLibOS, test: ConformanceCase, seed: number): Promise<void> {
  const timeout = timeoutOf(shared.target, test);
  if (test.own) shared.end();
  // The case's own deadline fires first: it says what was being waited for.
  const context = new Context(shared, test.own, seed, timeout * 0.9);
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no end after ${timeout} ms`)), timeout);
  });
  try {
    await Promise.race([Promise.resolve(test.fn(context)), expired]);
    await context.end();
    await shared.settle();
  } catch (error) {
    if (error instanceof Error)
      error.message = `${error.message}\n  (seed ${seed}; DEMI_SEED=${seed} runs the same again)`;
    await context.end().catch(() => undefined);
    shared.end();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
