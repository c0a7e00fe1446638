import { AsyncResource } from "node:async_hooks";
import { performance } from "node:perf_hooks";
import type { CompletionHandler, LoopMode } from "../types.js";
import type { Runtime } from "./runtime.js";

/** What a handler threw, which may be undefined. */
interface Failure {
  thrown: unknown;
}

/**
 * The time after which a turn gives way to Node's loop, whose own turn takes some microseconds. The clock costs as much as an echo's
 * share of a poll: it is read after this many polls, and after fewer when they bring work.
 */
const TURN_MILLISECONDS = 0.5;
const POLLS_PER_LOOK = 64;
const WORKING_POLLS_PER_LOOK = 8;
/** adaptive: waits in a row that brought nothing before waiting is given up, and sleeps after which it is tried again. */
const FRUITLESS_WAITS = 2;
const SLEEPS_BEFORE_RETRY = 16;
/** Who gives way is waited for in the device only where so many complete together: for fewer, a sleep in Node's loop costs less. */
const MANY = 3;
/** Times in a row that whoever gave way goes on before Node's other work. */
const MOST_RESUMED = 8;

/** The asynchronous context (AsyncLocalStorage) in which turns run: that in which this was loaded, nobody's. */
const outside = new AsyncResource("DEMIKERNEL");

/**
 * Drives a libOS from Node's event loop while a run() handler or a callback waits. A turn is a burst of polls; between bursts
 * Node's timers, signals and other sockets get their turn.
 *
 * - poll: never sleeps.
 * - adaptive: while work keeps coming, waits for more inside the device, up to `spinMicroseconds` at a time; then sleeps in Node's loop.
 *   Where such waits bring nothing, because work comes at longer intervals, it sleeps at once, and tries again from time to time.
 * - interrupt: sleeps in Node's loop as soon as there is nothing to do.
 *
 * A device whose network stack is in this process is polled from time to time even while nobody waits.
 */
export class Loop {
  readonly #runtime: Runtime;
  readonly #polls: boolean;
  readonly #wait: number;
  #handler: CompletionHandler | undefined;
  #batchEnded: (() => void) | undefined;
  #finish: ((failure?: Failure) => void) | undefined;
  #scheduled: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #tending: NodeJS.Timeout | undefined;
  #inTurn = false;
  /** Node's loop is to have its turn now. */
  #givesWay = false;
  #resumed = 0;
  #keepsAlive = true;
  #fruitless = 0;
  /** Whoever gives way has had fewer than {@link MANY} completions together. */
  #hasFew = false;
  #sleeps = 0;

  constructor(runtime: Runtime, mode: LoopMode, spinMicroseconds: number) {
    this.#runtime = runtime;
    this.#polls = mode === "poll";
    this.#wait = mode === "adaptive" ? spinMicroseconds : 0;
    runtime.kick = () => this.#kick();
    const { tendEvery } = runtime.native;
    // Not a reason for the process to stay.
    if (tendEvery > 0) this.#tending = setInterval(() => this.#tend(), tendEvery).unref();
  }

  get running(): boolean {
    return this.#handler !== undefined;
  }

  /** Whether waiting is a reason for the process to stay. */
  keepAlive(keeps: boolean): void {
    if (keeps === this.#keepsAlive) return;
    this.#keepsAlive = keeps;
    if (!this.#runtime.closed) this.#runtime.native.keepAlive(keeps);
    const timer = this.#timer;
    if (timer === undefined) return;
    if (keeps) timer.ref();
    else timer.unref();
  }

  run(handler: CompletionHandler, batchEnded?: () => void): Promise<void> {
    this.#handler = handler;
    this.#batchEnded = batchEnded;
    this.#hasFew = false;
    this.#kick();
    return new Promise((resolve, reject) => {
      this.#finish = (failure) => (failure === undefined ? resolve() : reject(failure.thrown));
    });
  }

  giveWay(): void {
    this.#givesWay = true;
  }

  /** Ends run(); completions from now on are kept for the next, those too that came together with the one being handled. */
  stop(failure?: Failure): void {
    const finish = this.#finish;
    if (finish !== undefined) this.#runtime.interrupt();
    this.#handler = undefined;
    this.#batchEnded = undefined;
    this.#finish = undefined;
    finish?.(failure);
    if (!this.#wanted()) this.#halt();
  }

  /** Stops for good: the libOS is gone. */
  end(): void {
    this.stop();
    this.#halt();
    clearInterval(this.#tending);
  }

  #halt(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    this.#clear();
    this.#wakeUp();
  }

  /** Nobody waits, but the peers do: what completes is kept until somebody asks. */
  #tend(): void {
    if (this.#wanted() || this.#runtime.closed) return;
    this.#runtime.poll(0);
    this.#runtime.dispatch(undefined);
  }

  #wanted(): boolean {
    return !this.#runtime.closed && (this.#handler !== undefined || this.#runtime.callbacks > 0);
  }

  #kick(): void {
    if (!this.#wanted()) return;
    this.#wakeUp();
    // Whose operation has woken it does not matter to the others: their turns are not in its name.
    if (!this.#inTurn && this.#scheduled === undefined) outside.runInAsyncScope(this.#schedule, this);
  }

  #schedule(): void {
    this.#resumed = 0;
    this.#scheduled ??= setImmediate(this.#turn);
  }

  /** It gave way: on as soon as ticks and promises have run, some times in a row without a turn of Node's loop, which costs system calls. */
  #resumeSoon(): void {
    if (this.#resumed === MOST_RESUMED) {
      this.#resumed = 0;
      this.#schedule();
    } else {
      this.#resumed++;
      process.nextTick(this.#afterTicks);
    }
  }

  readonly #afterTicks = (): void => queueMicrotask(this.#resume);

  readonly #resume = (): void => {
    // Whoever kicked it meanwhile has it scheduled.
    if (this.#scheduled === undefined) this.#turn(true);
  };

  readonly #turn = (isResumed: unknown = false): void => {
    this.#scheduled = undefined;
    this.#clear();
    if (!this.#wanted()) return;
    this.#inTurn = true;
    let busy = false;
    try {
      busy = isResumed === true ? this.#look() : this.#burst();
    } catch (error) {
      // A handler that throws ends run() with its error; a callback's or, outside run(), anybody's is Node's to report.
      if (this.#finish === undefined) throw error;
      this.stop({ thrown: error });
    } finally {
      this.#inTurn = false;
      if (this.#wanted()) {
        if (this.#givesWay) {
          this.#givesWay = false;
          this.#resumeSoon();
        } else if (busy || this.#runtime.ready) this.#schedule();
        else if (this.#polls) this.#goOn();
        else this.#sleep();
      }
    }
  };

  /** True when it gave way with work left, false when it ran dry. */
  #burst(): boolean {
    const runtime = this.#runtime;
    const start = performance.now();
    for (let polls = 1; ; polls++) {
      const wait = this.#waits ? this.#wait : 0;
      runtime.poll(wait);
      const completed = runtime.dispatch(this.#handler);
      if (!this.#wanted()) return false;
      if (completed !== 0) {
        this.#batchEnded?.();
        if (!this.#wanted()) return false;
        if (wait !== 0) this.#fruitless = 0;
        if (this.#givesWay) {
          this.#hasFew = completed < MANY;
          return true;
        }
      } else if (!this.#polls && !runtime.ready) {
        if (wait !== 0) this.#fruitless++;
        return false;
      }
      const look = polls % (completed !== 0 ? WORKING_POLLS_PER_LOOK : POLLS_PER_LOOK) === 0;
      if (look && performance.now() - start > TURN_MILLISECONDS) return true;
    }
  }

  /** One poll that does not wait, which takes what was left to ticks to the device. True: to wait there is worth it next. */
  #look(): boolean {
    this.#runtime.poll(0);
    const completed = this.#runtime.dispatch(this.#handler);
    if (completed !== 0) this.#batchEnded?.();
    if (this.#givesWay && completed >= MANY) this.#hasFew = false;
    return this.#wait !== 0 && this.#waits;
  }

  get #waits(): boolean {
    return this.#fruitless < FRUITLESS_WAITS && !this.#hasFew;
  }

  #sleep(): void {
    const milliseconds = this.#runtime.native.arm(this.#woken);
    if (milliseconds === 0) {
      this.#goOn();
      return;
    }
    this.#runtime.asleep = true;
    if (++this.#sleeps % SLEEPS_BEFORE_RETRY === 0) this.#fruitless = 0;
    if (milliseconds > 0) this.#rest(milliseconds);
  }

  /** Nothing to do, and nothing that would wake it: an immediate keeps the process alive, a timer need not. */
  #goOn(): void {
    if (this.#keepsAlive) this.#schedule();
    else this.#rest(1);
  }

  #rest(milliseconds: number): void {
    this.#timer = setTimeout(this.#expired, milliseconds);
    if (!this.#keepsAlive) this.#timer.unref();
  }

  readonly #woken = (): void => {
    this.#awake();
    if (this.#scheduled === undefined) this.#turn();
  };

  readonly #expired = (): void => {
    this.#wakeUp();
    this.#turn();
  };

  /** Awake by our own doing: the watch is still armed. */
  #wakeUp(): void {
    if (!this.#runtime.asleep) return;
    this.#awake();
    if (!this.#runtime.closed) this.#runtime.native.disarm();
  }

  #awake(): void {
    this.#runtime.asleep = false;
    this.#clear();
  }

  #clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
