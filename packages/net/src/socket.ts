/** node:net's Socket over a {@link Link}: its events, their order, its errors. Behaviour: https://nodejs.org/docs/latest-v20.x/api/net.html#class-netsocket */
import type { AsyncResource } from "node:async_hooks";
import type { SocketConnectOpts } from "node:net";
import type { Duplex } from "node:stream";
import { onEnd } from "./after-end.js";
import { normalizedConnect } from "./connect-arguments.js";
import { Connecting, type ConnectTarget } from "./connecting.js";
import { ownContext, presentContext } from "./context.js";
import { closed, closedBeforeConnection, noReset, systemError, wrongType } from "./errors.js";
import { KernelLink } from "./kernel-link.js";
import { active, type Chunk, type Done, ended, failed, gone, type Link, type LinkUser, received } from "./link.js";
import { LinkedSocket } from "./linked-socket.js";
import type { Piece } from "./outgoing.js";
import { Silence } from "./silence.js";
import type { AcceptedOptions, SocketOptions } from "./socket-options.js";

/** Of the kernel's, which exists already. */
interface Existing {
  fd?: number;
  handle?: unknown;
  pauseOnCreate?: boolean;
  manualStart?: boolean;
}

type NamedServer = { _connections: number; _emitCloseIfDrained?: () => void };

export class Socket extends LinkedSocket implements LinkUser, ConnectTarget {
  server: unknown = null;
  /** @internal As node:net names it: http looks at it. */
  _server: NamedServer | null = null;
  /** @internal */
  _parent = null;
  /** @internal None, as of a Socket of node:net's that was closed: who asks for it takes this for a stream. */
  declare _handle: null;
  /** @internal */
  _hadError = false;
  /** @internal */
  _host: string | null = null;
  autoSelectFamilyAttemptedAddresses: string[] | undefined;
  private isResetting = false;
  private context: AsyncResource | undefined;
  private lastUnsent = 0;
  timeout: number | undefined;
  private silence: Silence | undefined;

  constructor(given: SocketOptions | number = {}, accepted?: AcceptedOptions) {
    const options = (typeof given === "number" ? { fd: given } : given) as SocketOptions & Existing;
    super(options);
    this.on("end", onEnd);
    if (accepted !== undefined) {
      this.context = ownContext();
      this.attach(accepted.linkFor(this));
      if (accepted.pauseOnCreate) this.pause();
      else this.read(0);
    } else if (options.fd !== undefined || options.handle) {
      this.context = presentContext();
      this.attach(KernelLink.over({ fd: options.fd, handle: options.handle }, this));
      if (options.readable === false || options.manualStart) return;
      if (options.pauseOnCreate) this.pause();
      else this.read(0);
    }
  }

  // ---- connecting ------------------------------------------------------------------------------------------------------

  connect(...args: unknown[]): this {
    const { options, listener } = normalizedConnect(args);
    if (listener !== undefined) this.once("connect", listener);
    if (this.write !== Socket.prototype.write) this.write = Socket.prototype.write;
    if (this.destroyed || (this.link !== undefined && !this.connecting)) this.renew();
    this._unrefTimer();
    const under = this.connecting ? this.attempt : undefined;
    this.connecting = true;
    this.context = presentContext();
    const attempt = new Connecting(this, options as SocketConnectOpts, under !== undefined);
    this.attempt = under ?? attempt;
    attempt.start();
    return this;
  }

  /** It was connected once, and is used again. */
  private renew(): void {
    this.link?.close();
    this.link = undefined;
    this.names = {};
    this.isReferenced = true;
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
    if (this.context !== undefined) this.context.runInAsyncScope(this.begin, this);
    else this.begin();
  }

  private begin(): void {
    this.emit("connect");
    this.emit("ready");
    if (!this.isPaused()) this.read(0);
  }

  // ---- reading ---------------------------------------------------------------------------------------------------------

  override _read(size: number): void {
    if (this.connecting || this.link === undefined) {
      this.once("connect", () => this._read(size));
    } else if (!this.link.isReading) {
      this.link.readStart();
    }
  }

  override pause(): this {
    if (this.into !== undefined && !this.connecting && this.link?.isReading) {
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
    if (this.into === undefined || this.connecting || this.link === undefined || this.link.isReading) return;
    this.link.readStart();
  }

  [received](bytes: Buffer): boolean {
    if (this.context !== undefined) return this.context.runInAsyncScope(this.takeBytes, this, bytes);
    return this.takeBytes(bytes);
  }

  private takeBytes(bytes: Buffer): boolean {
    this._unrefTimer();
    if (this.destroyed) return false;
    return this.push(bytes);
  }

  [ended](): void {
    if (this.context !== undefined) this.context.runInAsyncScope(this.takeEnd, this);
    else this.takeEnd();
  }

  private takeEnd(): void {
    this._unrefTimer();
    if (this.destroyed || this.readableEnded) return;
    this.push(null);
    this.read(0);
  }

  [failed](errno: number, syscall: string): void {
    const error = systemError(errno, syscall);
    if (this.context !== undefined) this.context.runInAsyncScope(this.destroy, this, error);
    else this.destroy(error);
  }

  [active](): void {
    this._unrefTimer();
  }

  [gone](): void {
    if (this.context !== undefined) this.context.runInAsyncScope(this.destroy, this);
    else this.destroy();
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

  override _writev(chunks: Piece[], done: Done): void {
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

  private whenConnected(data: Piece[], done: Done, write: () => void): void {
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
    this.silence ??= new Silence(() => this._onTimeout());
    const isTimed = this.silence.set(milliseconds);
    if (listener !== undefined && typeof listener !== "function") {
      throw wrongType("callback", "of type function", listener);
    }
    if (!isTimed) {
      if (listener !== undefined) this.removeListener("timeout", listener);
      return this;
    }
    if (listener !== undefined) this.once("timeout", listener);
    return this;
  }

  /** @internal Something happened: the time begins anew. */
  _unrefTimer(): void {
    this.silence?.broken();
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
    if (this.link?.isPipe) throw noReset();
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
    const { link, isInUse: wasInUse } = this;
    this.connecting = false;
    this.attempt?.abandon();
    this.attempt = undefined;
    this.silence?.end();
    if (!wasInUse) {
      done(error);
      process.nextTick(emitCloseUnused, this);
    } else {
      if (link !== undefined) {
        this.finalBytes = { read: link.bytesRead, written: link.bytesWritten };
        this.link = undefined;
        if (this.isResetting) link.reset();
        else link.close();
      }
      this.isResetting = false;
      // libuv tells of a closed handle at the end of the loop's turn.
      setImmediate(emitClose, this, Boolean(error), this.context);
      done(error);
    }
    if (this._server !== null) {
      this._server._connections--;
      this._server._emitCloseIfDrained?.();
    }
  }
}

Object.defineProperty(Socket.prototype, "_handle", { value: null, configurable: true, writable: true });

/** Of one that never had a connection, nor began one. */
function emitCloseUnused(socket: Socket): void {
  socket.emit("close");
}

function emitClose(socket: Socket, hadError: boolean, context: AsyncResource | undefined): void {
  if (context !== undefined) context.runInAsyncScope(socket.emit, socket, "close", hadError);
  else socket.emit("close", hadError);
}
