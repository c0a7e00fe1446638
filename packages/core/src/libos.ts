import { filter, map, merge, qconnect, sort } from "./combinators/index.js";
import { DemiError } from "./errors.js";
import type { NativeLibOS } from "./native.js";
import { Async } from "./runtime/async.js";
import { destroyAtExit } from "./runtime/at-exit.js";
import { Control } from "./runtime/control.js";
import { Loop } from "./runtime/loop.js";
import { TracedRuntime } from "./runtime/memory-trace.js";
import { Runtime } from "./runtime/runtime.js";
import { SgaAccess } from "./runtime/sga.js";
import { Waiter } from "./runtime/wait.js";
import type { CoreOptions } from "./schema.js";
import type * as api from "./types.js";

/** {@link api.LibOS} over a native addon: one thin method a call; the work is in runtime/. */
export class DemiLibOS implements api.LibOS {
  readonly name: string;
  readonly engine: string;
  readonly engines: readonly api.EngineInfo[];
  readonly sga: api.SgaCalls;
  readonly async: api.AsyncCalls;
  readonly #runtime: Runtime;
  readonly #control: Control;
  readonly #waiter: Waiter;
  readonly #loop: Loop;
  readonly #forget: () => void;

  /** `names`: of the network backend and, where there is one, of the storage engine. */
  constructor(names: readonly string[], native: NativeLibOS, options: CoreOptions) {
    const [name] = names;
    this.name = name;
    // First of all: it refuses an addon of another version of core.
    this.#runtime = options.traceMemory ? new TracedRuntime(name, native) : new Runtime(name, native);
    this.engine = native.engines[0];
    this.engines = native.engines.map((engine, i) => ({ name: names[i], engine }));
    this.#control = new Control(this.#runtime);
    this.#waiter = new Waiter(this.#runtime);
    this.#loop = new Loop(this.#runtime, options.loop, options.spinMicroseconds);
    this.sga = new SgaAccess(this.#runtime);
    this.async = new Async(this.#runtime);
    this.#forget = destroyAtExit(this);
  }

  get closed(): boolean {
    return this.#runtime.closed;
  }

  // ---- make queues -------------------------------------------------------------------------------------------------
  queue(options: api.QueueOptions = {}): api.QueueDescriptor {
    return this.#control.queue(options);
  }
  socket(kind: "tcp" | "udp", options: api.SocketOptions = {}): api.QueueDescriptor {
    return this.#control.socket(kind, options);
  }
  open(path: string, flags = "r", options: api.OpenOptions = {}): api.QueueDescriptor {
    return this.#control.open(path, flags, options);
  }
  creat(path: string, options: api.OpenOptions = {}): api.QueueDescriptor {
    return this.#control.open(path, "w+", options);
  }

  unlink(path: string): void {
    this.#control.unlink(path);
  }

  // ---- control path ------------------------------------------------------------------------------------------------
  bind(qd: api.QueueDescriptor, to: api.Address): void {
    this.#control.bind(qd, to);
  }
  listen(qd: api.QueueDescriptor, backlog = 511): void {
    this.#control.listen(qd, backlog);
  }
  getsockname(qd: api.QueueDescriptor): api.SocketAddress {
    return this.#control.name(qd, false);
  }
  getpeername(qd: api.QueueDescriptor): api.SocketAddress {
    return this.#control.name(qd, true);
  }
  setsockopt<K extends keyof api.SocketOptionValues>(
    qd: api.QueueDescriptor,
    name: K,
    value: api.SocketOptionValues[K],
  ): void {
    this.#control.setsockopt(qd, name, value);
  }
  getsockopt<K extends keyof api.SocketOptionValues>(qd: api.QueueDescriptor, name: K): api.SocketOptionValues[K] {
    return this.#control.getsockopt(qd, name) as api.SocketOptionValues[K];
  }
  lseek(qd: api.QueueDescriptor, offset: number, whence: "set" | "cur" | "end" = "set"): number {
    return this.#control.lseek(qd, offset, whence);
  }
  truncate(qd: api.QueueDescriptor, length: number): void {
    this.#control.truncate(qd, length);
  }
  shutdown(qd: api.QueueDescriptor): void {
    this.#control.shutdown(qd);
  }
  close(qd: api.QueueDescriptor): void {
    this.#runtime.close(qd);
  }

  // ---- data path ---------------------------------------------------------------------------------------------------
  accept(qd: api.QueueDescriptor): api.QueueToken<api.AcceptCompletion> {
    return this.#runtime.accept(qd);
  }
  connect(qd: api.QueueDescriptor, to: api.Address): api.QueueToken<api.ConnectCompletion> {
    return this.#runtime.connect(qd, to);
  }
  push(qd: api.QueueDescriptor, sga: api.Sga, flags = 0): api.QueueToken<api.PushCompletion> {
    return this.#runtime.push(qd, sga, flags);
  }
  pushTo(qd: api.QueueDescriptor, sga: api.Sga, to?: api.Address, flags = 0): api.QueueToken<api.PushCompletion> {
    return this.#runtime.pushTo(qd, sga, to, flags);
  }
  pop(qd: api.QueueDescriptor, limit = 0): api.QueueToken<api.PopCompletion> {
    return this.#runtime.pop(qd, limit);
  }

  // ---- memory --------------------------------------------------------------------------------------------------------
  alloc(size: number | readonly number[]): api.Sga {
    return this.#runtime.alloc(size);
  }
  free(sga: api.Sga): void {
    this.#runtime.free(sga);
  }

  // ---- complete operations ---------------------------------------------------------------------------------------------
  poll<T extends api.QueueToken>(qt: T): api.CompletionOf<T> | undefined {
    return this.#waiter.poll(qt);
  }
  wait<T extends api.QueueToken>(qt: T, timeout?: number): api.CompletionOf<T> {
    return this.#waiter.wait(qt, timeout);
  }
  waitAny<T extends api.QueueToken>(qts: readonly T[], timeout?: number): api.CompletionOf<T> & { index: number } {
    return this.#waiter.waitAny(qts, timeout);
  }
  waitAll<const T extends readonly api.QueueToken[]>(
    qts: T,
    timeout?: number,
  ): { -readonly [I in keyof T]: api.CompletionOf<T[I]> } {
    return this.#waiter.waitAll(qts, timeout);
  }
  waitNext(max: number, timeout?: number): api.Completion[] {
    return this.#waiter.waitNext(max, timeout);
  }
  cancel(qt: api.QueueToken): boolean {
    return this.#runtime.cancel(qt);
  }
  drop(qt: api.QueueToken): void {
    this.#runtime.drop(qt);
  }

  // ---- combinators -----------------------------------------------------------------------------------------------------
  merge(a: api.QueueDescriptor, b: api.QueueDescriptor): api.QueueDescriptor {
    return merge(this.#runtime, a, b);
  }
  filter(qd: api.QueueDescriptor, predicate: (sga: api.Sga) => boolean): api.QueueDescriptor {
    return filter(this.#runtime, qd, predicate);
  }
  map(qd: api.QueueDescriptor, fn: (sga: api.Sga) => api.Sga): api.QueueDescriptor {
    return map(this.#runtime, qd, fn);
  }
  sort(
    qd: api.QueueDescriptor,
    compare: (a: api.Sga, b: api.Sga) => number,
    options: api.QueueOptions = {},
  ): api.QueueDescriptor {
    return sort(this.#runtime, qd, compare, options);
  }
  qconnect(from: api.QueueDescriptor, to: api.QueueDescriptor): api.QueueDescriptor {
    return qconnect(this.#runtime, from, to);
  }

  // ---- loops -------------------------------------------------------------------------------------------------------------
  run(handler: api.CompletionHandler, batchEnded?: () => void): Promise<void> {
    this.#runtime.open("run");
    if (typeof handler !== "function") throw new DemiError("EINVAL", "run", "the handler is not a function");
    if (batchEnded !== undefined && typeof batchEnded !== "function")
      throw new DemiError("EINVAL", "run", "batchEnded is not a function");
    if (this.#loop.running) throw new DemiError("EBUSY", "run", "a run loop is active already");
    return this.#loop.run(handler, batchEnded);
  }
  stop(): void {
    this.#loop.stop();
  }
  giveWay(): void {
    this.#loop.giveWay();
  }
  ref(): void {
    this.#loop.keepAlive(true);
  }
  unref(): void {
    this.#loop.keepAlive(false);
  }
  turn(handler: api.CompletionHandler, wait = 0): number {
    const runtime = this.#runtime;
    if (runtime.attention !== 0) runtime.open("turn");
    if (typeof handler !== "function") throw new DemiError("EINVAL", "turn", "the handler is not a function");
    runtime.poll(wait === 0 ? 0 : Math.max(0, Math.min(wait, 1000)) * 1000);
    try {
      return runtime.dispatch(handler);
    } finally {
      // What a handler that throws was not given is for whoever sleeps until it comes.
      if (runtime.attention !== 0) runtime.rouse();
    }
  }

  // ---- introspection, end ---------------------------------------------------------------------------------------------------
  stats(): api.Stats {
    this.#runtime.open("stats");
    return this.#runtime.stats();
  }
  destroy(): void {
    if (this.closed) return;
    this.#forget();
    this.#runtime.destroy();
    this.#loop.end();
  }
  [Symbol.dispose](): void {
    this.destroy();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.destroy();
  }
}
