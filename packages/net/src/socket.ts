/** node:net's Socket over a {@link Link}: its events, their order, its errors. Behaviour: https://nodejs.org/docs/latest-v20.x/api/net.html#class-netsocket */
import type { SocketConnectOpts, SocketConstructorOpts } from "node:net";
import { Duplex } from "node:stream";
import { normalizedConnect } from "./connect-arguments.js";
import { Connecting, type ConnectTarget } from "./connecting.js";
import {
  closed,
  closedBeforeConnection,
  endedByPeer,
  outOfRange,
  systemError,
  wrongType,
  wrongValue,
} from "./errors.js";
import {
  active,
  type Chunk,
  type Done,
  ended,
  failed,
  type Link,
  type LinkUser,
  type Name,
  type ReadInto,
  received,
} from "./link.js";
import { NodeSocketBase } from "./node-socket.js";
import { sizeOf } from "./outgoing.js";

export interface SocketOptions extends SocketConstructorOpts {
  noDelay?: boolean;
  keepAlive?: boolean;
  keepAliveInitialDelay?: number;
  onread?: ReadInto;
  readableHighWaterMark?: number;
  writableHighWaterMark?: number;
}

/** How a connection that was accepted becomes a Socket. */
export interface AcceptedOptions {
  linkFor: (user: LinkUser) => Link;
  pauseOnCreate: boolean;
}

type NamedServer = { _connections: number; _emitCloseIfDrained?: () => void };

export class Socket extends NodeSocketBase implements LinkUser, ConnectTarget {
  connecting = false;
  server: unknown = null;
  /** @internal As node:net names it: http looks at it. */
  _server: NamedServer | null = null;
  /** @internal */
  _parent = null;
  /** @internal */
  _hadError = false;
  /** @internal */
  _host: string | null = null;
  autoSelectFamilyAttemptedAddresses: string[] | undefined;
  private link: Link | undefined;
  private attempt: Connecting | undefined;
  private isReading = false;
  private isResetting = false;
  private wantsNoDelay: boolean;
  private wantsKeepAlive: boolean;
  private keepAliveSeconds: number;
  private readonly into: ReadInto | undefined;
  private finalBytes = { read: 0, written: 0 };
  private lastUnsent = 0;
  timeout: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** What the timer is set to. */
  private duration = 0;
  private isTimed = false;
  private pendingData: { chunk: Chunk; encoding: BufferEncoding }[] | undefined;
  private names: { local?: Name; peer?: Name } = {};

  constructor(options: SocketOptions = {}, accepted?: AcceptedOptions) {
    checkOptions(options);
    super({
      ...options,
      allowHalfOpen: Boolean(options.allowHalfOpen),
      emitClose: false,
      autoDestroy: true,
      decodeStrings: false,
    } as object);
    this.wantsNoDelay = Boolean(options.noDelay);
    this.wantsKeepAlive = Boolean(options.keepAlive);
    this.keepAliveSeconds = secondsOf(options.keepAliveInitialDelay);
    this.into = isReadInto(options.onread) ? options.onread : undefined;
    this.on("end", onEnd);
    if (accepted === undefined) return;
    this.attach(accepted.linkFor(this));
    if (accepted.pauseOnCreate) this.pause();
    else this.read(0);
  }

  /** A link that is connected, or will be. */
  private attach(link: Link): void {
    this.link = link;
    link.into = this.into;
  }

  // ---- connecting ------------------------------------------------------------------------------------------------------

  connect(...args: unknown[]): this {
    const { options, listener } = normalizedConnect(args);
    if (listener !== undefined) this.once("connect", listener);
    if (this.write !== Socket.prototype.write) this.write = Socket.prototype.write;
    if (this.destroyed || this.link !== undefined) this.renew();
    this._unrefTimer();
    this.connecting = true;
    this.attempt = new Connecting(this, options as SocketConnectOpts);
    this.attempt.start();
    return this;
  }

  /** It was connected once, and is used again. */
  private renew(): void {
    this.link?.close();
    this.link = undefined;
    this.names = {};
    this.isReading = false;
    this.finalBytes = { read: 0, written: 0 };
    (this as unknown as { _undestroy(): void })._undestroy();
  }

  /** @internal A link is being connected: the one in use from now on. */
  trying(link: Link | undefined): void {
    if (link === undefined) this.link = undefined;
    else this.attach(link);
  }

  /** @internal */
  connected(): void {
    const link = this.link as Link;
    this.connecting = false;
    this.attempt = undefined;
    this.names = {};
    this._unrefTimer();
    if (this.wantsNoDelay) link.setNoDelay(true);
    if (this.wantsKeepAlive) link.setKeepAlive(true, this.keepAliveSeconds);
    this.emit("connect");
    this.emit("ready");
    if (!this.isPaused()) this.read(0);
  }

  get pending(): boolean {
    return this.link === undefined || this.connecting;
  }

  // ---- reading ---------------------------------------------------------------------------------------------------------

  override _read(size: number): void {
    if (this.connecting || this.link === undefined) {
      this.once("connect", () => this._read(size));
    } else if (!this.isReading) {
      this.isReading = true;
      this.link.readStart();
    }
  }

  override pause(): this {
    if (this.into !== undefined && !this.connecting && this.link !== undefined && this.isReading) {
      this.isReading = false;
      if (!this.destroyed) this.link.readStop();
    }
    return super.pause();
  }

  override resume(): this {
    this.startInto();
    return super.resume();
  }

  override read(size?: number): ReturnType<Duplex["read"]> {
    this.startInto();
    return super.read(size);
  }

  private startInto(): void {
    if (this.into === undefined || this.connecting || this.link === undefined || this.isReading) return;
    this.isReading = true;
    this.link.readStart();
  }

  [received](bytes: Buffer): boolean {
    this._unrefTimer();
    if (this.destroyed) return false;
    this.isReading = this.push(bytes);
    return this.isReading;
  }

  [ended](): void {
    this._unrefTimer();
    if (this.destroyed || this.readableEnded) return;
    this.push(null);
    this.read(0);
  }

  [failed](errno: number, syscall: string): void {
    this.destroy(systemError(errno, syscall));
  }

  [active](): void {
    this._unrefTimer();
  }

  // ---- writing ---------------------------------------------------------------------------------------------------------

  override _write(chunk: Chunk, encoding: BufferEncoding, done: Done): void {
    if (this.connecting) {
      this.whenConnected([{ chunk, encoding }], done, () => this._write(chunk, encoding, done));
      return;
    }
    if (this.link === undefined) {
      done(closed());
      return;
    }
    this._unrefTimer();
    this.link.write(chunk, encoding, done);
  }

  override _writev(chunks: { chunk: Chunk; encoding: BufferEncoding }[], done: Done): void {
    if (this.connecting) {
      this.whenConnected(chunks, done, () => this._writev(chunks, done));
      return;
    }
    if (this.link === undefined) {
      done(closed());
      return;
    }
    this._unrefTimer();
    this.link.writev(chunks, done);
  }

  private whenConnected(data: { chunk: Chunk; encoding: BufferEncoding }[], done: Done, write: () => void): void {
    this.pendingData = data;
    const onClose = () => done(closedBeforeConnection());
    this.once("connect", () => {
      this.off("close", onClose);
      this.pendingData = undefined;
      write();
    });
    this.once("close", onClose);
  }

  override _final(done: Done): void {
    if (this.pending) {
      this.once("connect", () => this._final(done));
      return;
    }
    if (this.link === undefined) done();
    else this.link.shutdown(done);
  }

  setTimeout(milliseconds: number, listener?: () => void): this {
    if (this.destroyed) return this;
    this.timeout = milliseconds;
    const duration = durationOf(milliseconds);
    if (listener !== undefined && typeof listener !== "function")
      throw wrongType("callback", "of type function", listener);
    this.isTimed = duration !== 0;
    if (duration === 0) {
      if (listener !== undefined) this.removeListener("timeout", listener);
      return this;
    }
    // An http server sets it before each request and takes it back with each: the timer stays the same one.
    if (duration === this.duration) this.timer?.refresh();
    else {
      clearTimeout(this.timer);
      this.timer = setTimeout(onTime, duration, this).unref();
      this.duration = duration;
    }
    if (listener !== undefined) this.once("timeout", listener);
    return this;
  }

  /** @internal Something happened: the time begins anew. */
  _unrefTimer(): void {
    if (this.isTimed) this.timer?.refresh();
  }

  /** @internal */
  get isBeingTimed(): boolean {
    return this.isTimed;
  }

  /** @internal */
  _onTimeout(): void {
    const unsent = this.link?.unsent ?? 0;
    // What is being sent is no silence, as long as it goes on.
    if (unsent > 0 && unsent !== this.lastUnsent) {
      this.lastUnsent = unsent;
      this._unrefTimer();
      return;
    }
    this.emit("timeout");
  }

  // ---- end -------------------------------------------------------------------------------------------------------------

  resetAndDestroy(): this {
    if (this.link === undefined) {
      if (this.attempt === undefined) this.destroy(closed());
      else this.once("connect", () => this.reset());
    } else if (this.connecting) {
      this.once("connect", () => this.reset());
    } else {
      this.reset();
    }
    return this;
  }

  private reset(): void {
    this.isResetting = true;
    this.destroy();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.connecting = false;
    this.attempt?.abandon();
    this.attempt = undefined;
    clearTimeout(this.timer);
    const { link } = this;
    if (link === undefined) {
      done(error);
      process.nextTick(emitClose, this, false);
    } else {
      this.finalBytes = { read: link.bytesRead, written: link.bytesWritten };
      this.link = undefined;
      if (this.isResetting) link.reset();
      else link.close();
      this.isResetting = false;
      // libuv tells of a closed handle at the end of the loop's turn.
      setImmediate(emitClose, this, error !== null && error !== undefined);
      done(error);
    }
    if (this._server !== null) {
      this._server._connections--;
      this._server._emitCloseIfDrained?.();
    }
  }

  // ---- options and names -----------------------------------------------------------------------------------------------

  setNoDelay(enable = true): this {
    const on = Boolean(enable);
    if (this.link === undefined || this.connecting) this.wantsNoDelay = on;
    else if (on !== this.wantsNoDelay) {
      this.wantsNoDelay = on;
      this.link.setNoDelay(on);
    }
    return this;
  }

  setKeepAlive(enable = false, initialDelay = 0): this {
    const on = Boolean(enable);
    const seconds = secondsOf(initialDelay);
    const differs = on !== this.wantsKeepAlive || (on && seconds !== this.keepAliveSeconds);
    this.wantsKeepAlive = on;
    this.keepAliveSeconds = seconds;
    if (this.link !== undefined && !this.connecting && differs) this.link.setKeepAlive(on, seconds);
    return this;
  }

  ref(): this {
    if (this.link === undefined) this.once("connect", this.ref);
    else this.link.ref();
    return this;
  }

  unref(): this {
    if (this.link === undefined) this.once("connect", this.unref);
    else this.link.unref();
    return this;
  }

  /** @internal What remoteAddress and its kind look at. */
  _getpeername(): Partial<Name> {
    if (this.link !== undefined && !this.connecting) this.names.peer ??= this.link.peerName();
    return this.names.peer ?? {};
  }

  /** @internal What address(), localAddress and its kind look at. */
  _getsockname(): Partial<Name> {
    if (this.link === undefined) return {};
    this.names.local ??= this.link.localName();
    return this.names.local ?? {};
  }

  get bytesRead(): number {
    return this.link?.bytesRead ?? this.finalBytes.read;
  }

  /** @internal */
  get _bytesDispatched(): number {
    return this.link?.bytesWritten ?? this.finalBytes.written;
  }

  get bytesWritten(): number {
    let bytes = this._bytesDispatched;
    const { writableBuffer } = this as unknown as { writableBuffer?: { chunk: Chunk; encoding: BufferEncoding }[] };
    if (writableBuffer === undefined) return undefined as unknown as number;
    for (const { chunk, encoding } of writableBuffer) bytes += sizeOf(chunk, encoding);
    for (const { chunk, encoding } of this.pendingData ?? []) bytes += sizeOf(chunk, encoding);
    return bytes;
  }

  get bufferSize(): number {
    return this.link === undefined ? (undefined as unknown as number) : this.writableLength;
  }
}

function onTime(socket: Socket): void {
  if (socket.isBeingTimed) socket._onTimeout();
}

function emitClose(socket: Socket, hadError: boolean): void {
  socket.emit("close", hadError);
}

/** The peer has ended: what is written from now on is told so, where nothing half open is wanted. */
function onEnd(this: Socket): void {
  if (!this.allowHalfOpen) this.write = writeAfterEnd;
}

function writeAfterEnd(this: Socket, chunk: unknown, encoding?: unknown, callback?: unknown): boolean {
  if (!this.writableEnded) {
    return (Duplex.prototype.write as (...args: unknown[]) => boolean).call(this, chunk, encoding, callback);
  }
  const done = typeof encoding === "function" ? encoding : callback;
  const error = endedByPeer();
  if (typeof done === "function") process.nextTick(done as () => void, error);
  this.destroy(error);
  return false;
}

function checkOptions(options: SocketOptions): void {
  const given = options as Record<string, unknown>;
  for (const name of ["objectMode", "readableObjectMode", "writableObjectMode"]) {
    if (given[name]) throw wrongValue(`options.${name}`, given[name], "is not supported");
  }
  const { keepAliveInitialDelay } = options;
  if (keepAliveInitialDelay !== undefined && typeof keepAliveInitialDelay !== "number") {
    throw wrongType("options.keepAliveInitialDelay", "of type number", keepAliveInitialDelay);
  }
}

function isReadInto(onread: unknown): onread is ReadInto {
  if (onread === null || typeof onread !== "object") return false;
  const { buffer, callback } = onread as Partial<ReadInto>;
  return (buffer instanceof Uint8Array || typeof buffer === "function") && typeof callback === "function";
}

/** Timers of Node have at most 31 bits. */
const LONGEST = 2 ** 31 - 1;

function durationOf(milliseconds: unknown): number {
  if (typeof milliseconds !== "number") throw wrongType("msecs", "of type number", milliseconds);
  if (!(milliseconds >= 0 && Number.isFinite(milliseconds)))
    throw outOfRange("msecs", "a non-negative finite number", milliseconds);
  if (milliseconds <= LONGEST) return milliseconds;
  process.emitWarning(
    `${milliseconds} does not fit into a 32-bit signed integer.\nTimer duration was truncated to ${LONGEST}.`,
    "TimeoutOverflowWarning",
  );
  return LONGEST;
}

const secondsOf = (milliseconds: number | undefined): number =>
  Math.max(0, Math.trunc(Number(milliseconds) / 1000) || 0);
