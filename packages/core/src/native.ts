/** What a native addon exports: the boundary as TypeScript sees it. native/include/demi/addon.hpp is the other side. */

export interface SizeClassOption {
  size: number;
  count: number;
}

/** Limits of one libOS, as numbers the addon takes. */
export interface NativeLimits {
  ringEntries: number;
  tokens: number;
  queues: number;
  classes: SizeClassOption[];
}

/** One open libOS. Functions return a negative errno on failure unless said otherwise. */
export interface NativeLibOS {
  readonly rings: ArrayBuffer;
  readonly arena: ArrayBuffer;
  /** What runs underneath: of the network backend first, of the storage engine behind it. */
  readonly engines: string[];
  /** Milliseconds between polls while nobody waits for anything, for a device whose peers must be answered even then; 0 if not needed. */
  readonly tendEvery: number;
  /**
   * Submit, drive the device, fill the completion ring. Takes and returns nothing, unless it fails: numbers would cost as much again;
   * how long it may wait is a word.
   */
  poll(): number | undefined;
  queue(capacity: number): number;
  socket(datagram: boolean, family: number, framing: string, maxMessage: number): number;
  open(path: string, flags: number, mode: number, durable: boolean): number;
  unlink(path: string): number;
  bind(qd: number, host: string, port: number): number;
  listen(qd: number, backlog: number): number;
  connect(qd: number, qt: number, host: string, port: number): number;
  shutdown(qd: number): number;
  close(qd: number): number;
  /** [host, port, family] or a negative errno. */
  name(qd: number, peer: boolean): [string, number, number] | number;
  setOption(qd: number, option: number, value: number): number;
  /** [value] or a negative errno. */
  getOption(qd: number, option: number): [number] | number;
  /** The new position (a double) or a negative errno. */
  seek(qd: number, offset: number, whence: number): number;
  truncate(qd: number, length: number): number;
  /** Fills the scratch words with slot handles; returns how many. */
  refill(sizeClass: number, want: number): number;
  /** A chain's handle, 0 when memory is short. */
  allocChain(sizes: number[]): number;
  cancel(qt: number): number;
  drop(qt: number): number;
  /**
   * Sleeps in Node's loop: calls `wake` once the engine has work. Returns the most milliseconds to sleep, -1 for no limit, 0: there
   * is work now and nothing was armed.
   */
  arm(wake: () => void): number;
  disarm(): void;
  /** Whether the sleep keeps the process alive; it does at first. */
  keepAlive(keeps: boolean): void;
  /** Core's counters; those of an engine under its name, `posix.acceptPaused`. */
  stats(): Record<string, number>;
  /** Closes everything; all other functions then answer -EBADF. */
  destroy(): void;
}

/** An engine to be opened: what its counters are told under, and its options as texts. */
export interface NativeEngine {
  name: string;
  options: Record<string, string>;
}

/** An engine of another addon: that one's {@link NativeAddon.module}. */
export interface NativeStorage extends NativeEngine {
  module: unknown;
}

export interface NativeAddon {
  /**
   * Opens this addon's engine and, beside it, another addon's for storage. Throws an Error with `errno` and `message` when one cannot be
   * opened; EPROTO when the two addons were not compiled from the same headers of core.
   */
  open(limits: NativeLimits, engine: NativeEngine, storage?: NativeStorage): NativeLibOS;
  /** This addon's engine for another addon's open(): native/include/demi/addon/module.hpp. */
  readonly module?: unknown;
}
