/**
 * The queue API every backend offers: what applications are written against. One page a call, with its errors, is in docs/calls.
 *
 * Results carry a negative errno; what throws, throws a {@link DemiError}. Times are milliseconds unless said otherwise, lengths
 * are bytes.
 */
import type { Address, SocketAddress } from "./address.js";
import type { AsyncCalls } from "./async-calls.js";
import type {
  AcceptCompletion,
  Completion,
  CompletionHandler,
  CompletionOf,
  ConnectCompletion,
  PopCompletion,
  PushCompletion,
} from "./completion.js";
import type { DemiError } from "./errors.js";
import type { QueueDescriptor, QueueToken, Sga } from "./names.js";
import type { SgaCalls } from "./sga-calls.js";

export type * from "./address.js";
export type * from "./async-calls.js";
export * from "./completion.js";
export type * from "./names.js";
export type * from "./sga-calls.js";

/** Flags of push and pushTo, to be or-ed. */
export const PushFlag = {
  /** The libOS frees the sga when the push ends, whatever its result: the zero-copy hand-over, and one call less. */
  FREE: 1,
  /**
   * No token (0 is returned) and no completion; a failure is told to the run() or turn() handler with `qt` 0, counted in stats() and
   * published. At most 4096 may be outstanding. For pushes whose end nobody waits for: one ring entry instead of two.
   */
  QUIET: 2,
} as const;

export interface QueueOptions {
  /** Most sgas the queue holds; further pushes wait. 1 to 65536, default 1024. */
  capacity?: number;
}

export interface SocketOptions {
  /** 4 (default) or 6. */
  family?: 4 | 6;
  /**
   * "stream" (default): the bytes as they come, what any TCP peer speaks. "dmtr": one push is one pop, with the header of the
   * C++ Demikernel's posix libOS (docs/wire-format.md). On "udp" each message is a datagram; with "dmtr" it carries the header.
   */
  framing?: "stream" | "dmtr";
  /** dmtr: largest message taken from a peer, in bytes over all segments; a larger one ends the connection with EMSGSIZE. Default 1 MiB. */
  maxMessage?: number;
}

export interface OpenOptions {
  /** Permission bits of a new file, default 0o644. */
  mode?: number;
  /** A push completes only when the data is on the device (O_DSYNC). Default false. */
  durable?: boolean;
}

/** Names of socket options and the values they take. */
export interface SocketOptionValues {
  /** TCP_NODELAY; on by default. */
  nodelay: boolean;
  /** SO_KEEPALIVE. */
  keepalive: boolean;
  /** SO_LINGER: seconds, or -1 for off. */
  linger: number;
  /** SO_REUSEADDR; bind switches it on for a stream socket, unless it was set before. */
  reuseaddr: boolean;
  /** SO_REUSEPORT. */
  reuseport: boolean;
  /** SO_SNDBUF, bytes; the kernel may round. */
  sndbuf: number;
  /** SO_RCVBUF, bytes; the kernel may round. */
  rcvbuf: number;
}

/** One engine of a libOS. */
export interface EngineInfo {
  /** The backend's name: "posix". */
  readonly name: string;
  /** What runs underneath: "io_uring". */
  readonly engine: string;
}

/**
 * Counters: names in camelCase, plain numbers; an engine's own stand under its name (`posix.acceptPaused`). Those that count held resources
 * return to zero when all is closed and freed.
 */
export type Stats = Record<string, number> & {
  /** Operations started and not yet completed. */
  outstanding: number;
  /** Open queues. */
  queues: number;
  /** Arena slots the application holds. */
  appSlots: number;
  /** Arena slots queues and the device hold. */
  deviceSlots: number;
  /** Ring entries refused because they named nothing valid. */
  invalidEntries: number;
};

/** How the libOS shares the thread with Node's event loop; see docs/architecture.md. */
export type LoopMode = "poll" | "adaptive" | "interrupt";

export interface LibOS {
  /** The backend's name: "memory", "posix", ... */
  readonly name: string;
  /** What runs underneath: "memory", "io_uring", "epoll", ... */
  readonly engine: string;
  /** All engines: the network backend, behind it the storage engine, if there is one. */
  readonly engines: readonly EngineInfo[];
  readonly closed: boolean;

  // ---- make queues -------------------------------------------------------------------------------------------------
  queue(options?: QueueOptions): QueueDescriptor;
  socket(kind: "tcp" | "udp", options?: SocketOptions): QueueDescriptor;
  /** `flags` as in fs.open: "r", "r+", "w", "w+", "a", "a+", "wx", ... Default "r". */
  open(path: string, flags?: string, options?: OpenOptions): QueueDescriptor;
  /** open(path, "w+"): made if missing, emptied if not. */
  creat(path: string, options?: OpenOptions): QueueDescriptor;
  /** Removes a file, or a log that nobody has open, by the name that open() takes. */
  unlink(path: string): void;

  // ---- control path ------------------------------------------------------------------------------------------------
  bind(qd: QueueDescriptor, to: Address): void;
  /** `backlog`: connections the device queues before they are accepted, default 511. */
  listen(qd: QueueDescriptor, backlog?: number): void;
  getsockname(qd: QueueDescriptor): SocketAddress;
  getpeername(qd: QueueDescriptor): SocketAddress;
  setsockopt<K extends keyof SocketOptionValues>(qd: QueueDescriptor, name: K, value: SocketOptionValues[K]): void;
  getsockopt<K extends keyof SocketOptionValues>(qd: QueueDescriptor, name: K): SocketOptionValues[K];
  /** Moves a file queue's cursor; returns the new position. */
  lseek(qd: QueueDescriptor, offset: number, whence?: "set" | "cur" | "end"): number;
  truncate(qd: QueueDescriptor, length: number): void;
  /**
   * The half-close: after the pushes started before, the peer's pops find the end of the stream; pushes started after end with EPIPE. Pops
   * go on. Of an in-memory queue, the end of what it holds.
   */
  shutdown(qd: QueueDescriptor): void;
  /** Completes all pending tokens of the queue with ECANCELED and releases it. */
  close(qd: QueueDescriptor): void;

  // ---- data path: start an operation, never block ----------------------------------------------------------------------
  accept(qd: QueueDescriptor): QueueToken<AcceptCompletion>;
  connect(qd: QueueDescriptor, to: Address): QueueToken<ConnectCompletion>;
  push(qd: QueueDescriptor, sga: Sga, flags?: number): QueueToken<PushCompletion>;
  /** Datagram to `to`, or, without it, to the address the sga carries: where it was popped from. */
  pushTo(qd: QueueDescriptor, sga: Sga, to?: Address, flags?: number): QueueToken<PushCompletion>;
  /** `limit`: most bytes wanted, 0 for what there is. A message longer than the limit stays queued; the pop ends with EMSGSIZE. */
  pop(qd: QueueDescriptor, limit?: number): QueueToken<PopCompletion>;

  // ---- memory --------------------------------------------------------------------------------------------------------
  /** One segment of `size` bytes, or one per entry of a list (at most 16). Throws ENOBUFS when the arena has none free, EMSGSIZE above the largest slot. */
  alloc(size: number | readonly number[]): Sga;
  /** Gives the memory back; safe while pushes of it are in flight. Throws EINVAL for a stale handle (double free). */
  free(sga: Sga): void;
  /** What is in an sga: its bytes, its segments, its address. */
  readonly sga: SgaCalls;

  // ---- complete operations ---------------------------------------------------------------------------------------------
  /** The token's completion if it has one now, else undefined. Does not block. A completion is handed out once. Throws EINVAL for a token that is not outstanding. */
  poll<T extends QueueToken>(qt: T): CompletionOf<T> | undefined;
  /** Blocks this thread until the token completes. Throws ETIMEDOUT after `timeout` ms (default: none); the token stays valid. */
  wait<T extends QueueToken>(qt: T, timeout?: number): CompletionOf<T>;
  waitAny<T extends QueueToken>(qts: readonly T[], timeout?: number): CompletionOf<T> & { index: number };
  /** In the order of the tokens; all or none. */
  waitAll<const T extends readonly QueueToken[]>(
    qts: T,
    timeout?: number,
  ): { -readonly [I in keyof T]: CompletionOf<T[I]> };
  /** Up to `max` completions of any tokens of this libOS, at least one. */
  waitNext(max: number, timeout?: number): Completion[];
  /** Ends the operation: it completes with ECANCELED. False when it is too late for that and it completes by itself. */
  cancel(qt: QueueToken): boolean;
  /** Gives up the token: no completion follows, what it would have brought is freed. */
  drop(qt: QueueToken): void;

  // ---- combinators: new queues from old ones (HotOS'19, figure 3) --------------------------------------------------------
  /** Pop takes from either; push goes to both. */
  merge(a: QueueDescriptor, b: QueueDescriptor): QueueDescriptor;
  /** Only elements that match pop; a push of one that does not match ends with 0 and goes nowhere. */
  filter(qd: QueueDescriptor, predicate: (sga: Sga) => boolean): QueueDescriptor;
  /** `fn` is applied to each element that pops; it returns the same sga (changed in place) or another, having freed the first. */
  map(qd: QueueDescriptor, fn: (sga: Sga) => Sga): QueueDescriptor;
  /** Pops in the comparator's order among the at most `capacity` (default 64) elements that are there. */
  sort(qd: QueueDescriptor, compare: (a: Sga, b: Sga) => number, options?: QueueOptions): QueueDescriptor;
  /** Pops `from` and pushes to `to` until either ends. Returns a queue descriptor that closes the connection. */
  qconnect(from: QueueDescriptor, to: QueueDescriptor): QueueDescriptor;

  // ---- loops -------------------------------------------------------------------------------------------------------------
  /**
   * Serves completions until stop() or destroy(): the fast path, nothing is allocated per operation. Resolves when stopped. `batchEnded` is
   * called when what completed together has been handed out, before the device is asked for more: for what is done once for all of it.
   */
  run(handler: CompletionHandler, batchEnded?: () => void): Promise<void>;
  stop(): void;
  /**
   * From within a handler of run(): Node's loop gets its turn as soon as what completed together has been handed out, and not only after
   * half a millisecond. So what the handler left to process.nextTick() and to promises runs before the device is asked for more.
   */
  giveWay(): void;
  /** While run() or a promise waits, the process does not end: as it is at first. */
  ref(): void;
  /** A wait does not keep the process alive. */
  unref(): void;
  /** One turn by hand: submit, poll, dispatch. Waits in the device up to `wait` ms (default 0) when nothing is ready. Returns how many completed. */
  turn(handler: CompletionHandler, wait?: number): number;
  readonly async: AsyncCalls;

  // ---- introspection, end ---------------------------------------------------------------------------------------------------
  stats(): Stats;
  /** Closes every queue and releases the memory. Pending promises reject with ECANCELED; later calls throw EBADF. Idempotent. */
  destroy(): void;
  [Symbol.dispose](): void;
  /** As destroy(), for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

export type { DemiError };
