import { filter, map, merge, qconnect, sort } from "./combinators/index.js";
import { DemiError } from "./errors.js";
import type { NativeLibOS } from "./native.js";
import { Async } from "./runtime/async.js";
import { destroyAtExit } from "./runtime/at-exit.js";
import { Control } from "./runtime/control.js";
import { Loop } from "./runtime/loop.js";
import { TracedRuntime } from "./runtime/memory-trace.js";
import { Runtime } from "./runtime/runtime.js";
import { Waiter } from "./runtime/wait.js";
import type { CoreOptions } from "./schema.js";
import type * as api from "./types.js";

/** {@link api.LibOS} over a native addon: one thin method a call; the work is in runtime/. */
export class DemiLibOS implements api.LibOS {
  readonly name: string;
  readonly engine: string;
  readonly engines: readonly api.EngineInfo[];
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
    this.engine = native.engines[0];
    this.engines = native.engines.map((engine, i) => ({ name: names[i], engine }));
    this.#runtime = options.traceMemory ? new TracedRuntime(name, native) : new Runtime(name, native);
    this.#control = new Control(this.#runtime);
    this.#waiter = new Waiter(this.#runtime);
    this.#loop = new Loop(this.#runtime, options.loop, options.spinMicroseconds);
    this.async = new Async(this.#runtime);
    this.#forget = destroyAtExit(this);
  }

  get closed(): boolean {
    return this.#runtime.closed;
  }

  // ---- make queues -------------------------------------------------------------------------------------------------
  queue(options: api.QueueOptions = {}): number {
    return this.#control.queue(options);
  }
  socket(kind: "tcp" | "udp", options: api.SocketOptions = {}): number {
    return this.#control.socket(kind, options);
  }
  open(path: string, flags = "r", options: api.OpenOptions = {}): number {
    return this.#control.open(path, flags, options);
  }
  creat(path: string, options: api.OpenOptions = {}): number {
    return this.#control.open(path, "w+", options);
  }

  // ---- control path ------------------------------------------------------------------------------------------------
  bind(qd: number, to: api.Address): void {
    this.#control.bind(qd, to);
  }
  listen(qd: number, backlog = 511): void {
    this.#control.listen(qd, backlog);
  }
  getsockname(qd: number): api.SocketAddress {
    return this.#control.name(qd, false);
  }
  getpeername(qd: number): api.SocketAddress {
    return this.#control.name(qd, true);
  }
  setsockopt<K extends keyof api.SocketOptionValues>(qd: number, name: K, value: api.SocketOptionValues[K]): void {
    this.#control.setsockopt(qd, name, value);
  }
  getsockopt<K extends keyof api.SocketOptionValues>(qd: number, name: K): api.SocketOptionValues[K] {
    return this.#control.getsockopt(qd, name) as api.SocketOptionValues[K];
  }
  lseek(qd: number, offset: number, whence: "set" | "cur" | "end" = "set"): number {
    return this.#control.lseek(qd, offset, whence);
  }
  truncate(qd: number, length: number): void {
    this.#control.truncate(qd, length);
  }
  shutdown(qd: number): void {
    this.#control.shutdown(qd);
  }
  close(qd: number): void {
    this.#runtime.close(qd);
  }

  // ---- data path ---------------------------------------------------------------------------------------------------
  accept(qd: number): number {
    return this.#runtime.accept(qd);
  }
  connect(qd: number, to: api.Address): number {
    return this.#runtime.connect(qd, to);
  }
  push(qd: number, sga: number, flags = 0): number {
    return this.#runtime.push(qd, sga, flags);
  }
  pushTo(qd: number, sga: number, to?: api.Address, flags = 0): number {
    return this.#runtime.pushTo(qd, sga, to, flags);
  }
  pop(qd: number, limit = 0): number {
    return this.#runtime.pop(qd, limit);
  }

  // ---- memory --------------------------------------------------------------------------------------------------------
  alloc(size: number | readonly number[]): number {
    return this.#runtime.alloc(size);
  }
  free(sga: number): void {
    this.#runtime.free(sga);
  }
  length(sga: number): number {
    return this.#runtime.arena.length(sga);
  }
  segments(sga: number): number {
    return this.#runtime.arena.segments(sga);
  }
  segmentLength(sga: number, segment = 0): number {
    return this.#runtime.arena.segmentLength(sga, segment);
  }
  bytes(sga: number, segment = 0): Uint8Array {
    return this.#runtime.arena.bytes(sga, segment);
  }
  view(sga: number, segment = 0): Uint8Array {
    return this.#runtime.arena.view(sga, segment);
  }
  offset(sga: number, segment = 0): number {
    return this.#runtime.arena.offset(sga, segment);
  }
  trim(sga: number, offset: number, length: number, segment = 0): void {
    this.#runtime.arena.trim(sga, offset, length, segment);
  }
  address(sga: number): api.SocketAddress | undefined {
    return this.#runtime.arena.address(sga);
  }
  from(data: Uint8Array | string): number {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    if (!ArrayBuffer.isView(bytes)) throw new DemiError("EINVAL", "from", "the data is no string and no Uint8Array");
    const sga = this.alloc(bytes.length);
    this.bytes(sga).set(bytes);
    return sga;
  }
  copy(sga: number): Buffer {
    const segments = Array.from({ length: this.segments(sga) }, (_, i) => this.bytes(sga, i));
    return Buffer.concat(segments);
  }

  // ---- complete operations ---------------------------------------------------------------------------------------------
  poll(qt: number): api.Completion | undefined {
    return this.#waiter.poll(qt);
  }
  wait(qt: number, timeout?: number): api.Completion {
    return this.#waiter.wait(qt, timeout);
  }
  waitAny(qts: readonly number[], timeout?: number): api.Completion & { index: number } {
    return this.#waiter.waitAny(qts, timeout);
  }
  waitAll(qts: readonly number[], timeout?: number): api.Completion[] {
    return this.#waiter.waitAll(qts, timeout);
  }
  waitNext(max: number, timeout?: number): api.Completion[] {
    return this.#waiter.waitNext(max, timeout);
  }
  cancel(qt: number): boolean {
    return this.#runtime.cancel(qt);
  }
  drop(qt: number): void {
    this.#runtime.drop(qt);
  }

  // ---- combinators -----------------------------------------------------------------------------------------------------
  merge(a: number, b: number): number {
    return merge(this.#runtime, a, b);
  }
  filter(qd: number, predicate: (sga: number) => boolean): number {
    return filter(this.#runtime, qd, predicate);
  }
  map(qd: number, fn: (sga: number) => number): number {
    return map(this.#runtime, qd, fn);
  }
  sort(qd: number, compare: (a: number, b: number) => number, options: api.QueueOptions = {}): number {
    return sort(this.#runtime, qd, compare, options);
  }
  qconnect(from: number, to: number): number {
    return qconnect(this.#runtime, from, to);
  }

  // ---- loops -------------------------------------------------------------------------------------------------------------
  run(handler: api.CompletionHandler): Promise<void> {
    this.#runtime.open("run");
    if (typeof handler !== "function") throw new DemiError("EINVAL", "run", "the handler is not a function");
    if (this.#loop.running) throw new DemiError("EBUSY", "run", "a run loop is active already");
    return this.#loop.run(handler);
  }
  stop(): void {
    this.#loop.stop();
  }
  drain(handler: api.CompletionHandler, wait = 0): number {
    this.#runtime.open("drain");
    if (typeof handler !== "function") throw new DemiError("EINVAL", "drain", "the handler is not a function");
    this.#runtime.poll(wait === 0 ? 0 : Math.max(0, Math.min(wait, 1000)) * 1000);
    try {
      return this.#runtime.dispatch(handler);
    } finally {
      // What a handler that throws was not given is for whoever sleeps until it comes.
      if (this.#runtime.asleep && this.#runtime.ready) this.#runtime.kick();
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
}
