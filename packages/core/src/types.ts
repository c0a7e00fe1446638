/**
 * The queue API every backend offers: what applications are written against. One page a call, with its errors, is in docs/calls.
 *
 * Results carry a negative errno; what throws, throws a {@link DemiError}. Times are milliseconds unless said otherwise, lengths
 * are bytes.
 */
import type { DemiError } from "./errors.js";

/** Names a queue: in-memory, socket, file or derived. Positive; carries a generation, so a closed one is recognised. */
export type QueueDescriptor = number;
/** Names one outstanding operation. Positive; carries a generation, so a finished one is recognised. */
export type QueueToken = number;
/** Names a scatter-gather array: 1 to 16 segments of arena memory. Positive; 0 stands for none. */
export type Sga = number;

/**
 * A numeric network address; `host` is never resolved, except that "localhost" means the loopback of the socket's family. An IPv6 zone is
 * a number or an interface's name: "fe80::1%eth0".
 */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** An address as getsockname, getpeername and datagram pops report it. */
export interface SocketAddress extends Address {
  readonly family: 4 | 6;
}

/** What a finished operation was: {@link Completion.opcode}. */
export const Opcode = { PUSH: 1, POP: 2, ACCEPT: 3, CONNECT: 4 } as const;
export type OpcodeValue = (typeof Opcode)[keyof typeof Opcode];

/** Flags of push and pushTo, to be or-ed. */
export const PushFlag = {
  /** The libOS frees the sga when the push ends, whatever its result: the zero-copy hand-over, and one call less. */
  FREE: 1,
  /**
   * No token (0 is returned) and no completion; a failure is told to the run() or drain() handler with `qt` 0, counted in stats() and
   * published. At most 4096 may be outstanding. For pushes whose end nobody waits for: one ring entry instead of two.
   */
  QUIET: 2,
} as const;

/** One finished operation. */
export interface Completion {
  /** {@link Opcode}. */
  readonly opcode: number;
  readonly qd: QueueDescriptor;
  readonly qt: QueueToken;
  /** Bytes moved (push, pop), 0 (accept, connect), or a negative errno. A pop of 0 with `sga` 0 is the end of the stream. */
  readonly result: number;
  /** pop: what arrived, the application's until freed. 0 at the end of the stream and on errors. */
  readonly sga: Sga;
  /** accept: the connection's queue. */
  readonly newQd: QueueDescriptor;
}

/** Called for each completion in run() and drain(). `event` is one object, reused: read it now, keep nothing of it. */
export type CompletionHandler = (event: Completion) => void;

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

/** What can be cancelled: the promise forms of the calls. */
export interface AsyncOptions {
  /** Aborting cancels the operation; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** The promise forms: each costs a promise and a turn of the microtask queue more than the call (BENCHMARKS.md). Failures reject with DemiError. */
export interface AsyncCalls {
  /** Resolves with the bytes pushed. */
  push(qd: QueueDescriptor, sga: Sga, flags?: number, options?: AsyncOptions): Promise<number>;
  pushTo(qd: QueueDescriptor, sga: Sga, to?: Address, flags?: number, options?: AsyncOptions): Promise<number>;
  /** Resolves with the sga, which the caller frees; 0 at the end of the stream. */
  pop(qd: QueueDescriptor, options?: AsyncOptions & { limit?: number }): Promise<Sga>;
  /** Resolves with the new connection's queue. */
  accept(qd: QueueDescriptor, options?: AsyncOptions): Promise<QueueDescriptor>;
  connect(qd: QueueDescriptor, to: Address, options?: AsyncOptions): Promise<void>;
  /** Resolves with the token's completion, whatever its result. */
  wait(qt: QueueToken, options?: AsyncOptions): Promise<Completion>;
  /** Yields each sga until the end of the stream or close; frees it when the loop asks for the next. */
  messages(qd: QueueDescriptor, options?: AsyncOptions): AsyncIterableIterator<Sga>;
  /** Yields each accepted connection until the listener is closed. */
  connections(qd: QueueDescriptor, options?: AsyncOptions): AsyncIterableIterator<QueueDescriptor>;
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
  accept(qd: QueueDescriptor): QueueToken;
  connect(qd: QueueDescriptor, to: Address): QueueToken;
  push(qd: QueueDescriptor, sga: Sga, flags?: number): QueueToken;
  /** Datagram to `to`, or, without it, to the address the sga carries: where it was popped from. */
  pushTo(qd: QueueDescriptor, sga: Sga, to?: Address, flags?: number): QueueToken;
  /** `limit`: most bytes wanted, 0 for what there is. A message longer than the limit stays queued; the pop ends with EMSGSIZE. */
  pop(qd: QueueDescriptor, limit?: number): QueueToken;

  // ---- memory --------------------------------------------------------------------------------------------------------
  /** One segment of `size` bytes, or one per entry of a list (at most 16). Throws ENOBUFS when the arena has none free, EMSGSIZE above the largest slot. */
  alloc(size: number | readonly number[]): Sga;
  /** Gives the memory back; safe while pushes of it are in flight. Throws EINVAL for a stale handle (double free). */
  free(sga: Sga): void;
  /** Bytes over all segments. */
  length(sga: Sga): number;
  segments(sga: Sga): number;
  /** The bytes of one segment as a view on the arena: valid until the sga is freed or pushed away. */
  bytes(sga: Sga, segment?: number): Uint8Array;
  /**
   * The whole slot behind a segment, a view made once per slot: nothing is allocated. The segment's bytes are
   * `view[offset(sga)]` on, `segmentLength(sga)` of them.
   */
  view(sga: Sga, segment?: number): Uint8Array;
  /** Where the segment starts in its {@link view}. */
  offset(sga: Sga, segment?: number): number;
  segmentLength(sga: Sga, segment?: number): number;
  /** Makes the segment shorter: bytes `offset` to `offset + length` of what it is now. */
  trim(sga: Sga, offset: number, length: number, segment?: number): void;
  /** The address a datagram came from; undefined when it carries none. */
  address(sga: Sga): SocketAddress | undefined;
  /** An sga holding a copy of the data: alloc and set in one. */
  from(data: Uint8Array | string): Sga;
  /** Copies all segments out, into a fresh Buffer that the garbage collector owns. */
  copy(sga: Sga): Buffer;

  // ---- complete operations ---------------------------------------------------------------------------------------------
  /** The token's completion if it has one now, else undefined. Does not block. A completion is handed out once. Throws EINVAL for a token that is not outstanding. */
  poll(qt: QueueToken): Completion | undefined;
  /** Blocks this thread until the token completes. Throws ETIMEDOUT after `timeout` ms (default: none); the token stays valid. */
  wait(qt: QueueToken, timeout?: number): Completion;
  waitAny(qts: readonly QueueToken[], timeout?: number): Completion & { index: number };
  waitAll(qts: readonly QueueToken[], timeout?: number): Completion[];
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
  /** Serves completions until stop() or destroy(): the fast path, nothing is allocated per operation. Resolves when stopped. */
  run(handler: CompletionHandler): Promise<void>;
  stop(): void;
  /** One turn by hand: submit, poll, dispatch. Waits in the device up to `wait` ms (default 0) when nothing is ready. Returns how many completed. */
  drain(handler: CompletionHandler, wait?: number): number;
  readonly async: AsyncCalls;

  // ---- introspection, end ---------------------------------------------------------------------------------------------------
  stats(): Stats;
  /** Closes every queue and releases the memory. Pending promises reject with ECANCELED; later calls throw EBADF. Idempotent. */
  destroy(): void;
  [Symbol.dispose](): void;
}

export type { DemiError };
