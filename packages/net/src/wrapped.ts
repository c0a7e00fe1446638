/**
 * What Node makes over a Socket of ours: a TLSSocket, or an HTTP/2 session. Both see it as a stream without a handle, and wrap it as one
 * (Node's JSStreamSocket); without more the TLSSocket of a server would wait for a connection that it has, and neither would know
 * addresses, nor keep or let the process. These prototypes are given what is missing, for sockets of ours only.
 */
import { Duplex } from "node:stream";
import tls from "node:tls";
import type { SocketError } from "./errors.js";
import type { Name } from "./link.js";
import { Socket } from "./socket.js";
import { type StreamSocket as Requesting, Requests } from "./stream-socket.js";

/** Node's JSStreamSocket: a Socket of node:net over any Duplex. */
interface StreamSocket extends Requesting {
  stream: unknown;
  _getpeername(): Partial<Name>;
  _getsockname(): Partial<Name>;
}

/** What a TLSSocket asks of the handle below it. */
interface Handle {
  getpeername?(out: Partial<Name>): number;
  getsockname?(out: Partial<Name>): number;
  setNoDelay?(on: boolean): void;
  setKeepAlive?(on: boolean, seconds: number): void;
  ref?(): void;
  unref?(): void;
}

interface TLSInternals extends Pick<tls.TLSSocket, "destroy"> {
  connecting: boolean;
  readonly _readableState: { ended: boolean };
  _init(socket?: unknown, wrap?: StreamSocket | null): void;
  _wrapHandle(wrap: StreamSocket | null, handle: Handle | undefined, ...more: unknown[]): unknown;
}

patchTLSSocket(tls.TLSSocket.prototype as unknown as TLSInternals);
patchStreamSocket(streamSocketPrototype());

function patchTLSSocket(prototype: TLSInternals): void {
  const { _init: init, _wrapHandle: wrapHandle } = prototype;

  prototype._wrapHandle = function (wrap, handle, ...more) {
    if (wrap?.stream instanceof Socket && handle !== undefined) {
      Object.assign(handle, handleOf(wrap.stream));
      (wrap as Connected)[requests]!.isOfTLS = true;
    }
    return wrapHandle.call(this, wrap, handle, ...more);
  };

  prototype._init = function (socket, wrap) {
    init.call(this, socket, wrap);
    if (!(socket instanceof Socket) || !wrap) return;
    this.connecting = socket.pending;
    // The peer has ended: what the TLSSocket still has to write goes out before it ends its half.
    socket.allowHalfOpen = true;
    // Node would only tell of it: as an error of a handle it ends the TLSSocket.
    wrap.removeAllListeners("error");
    wrap.on("error", (error: SocketError) => {
      // What comes behind the peer's close_notify is none of its (RFC 5246 section 7.2.1): often it has closed, and resets what answers it.
      if (error.syscall === "read" && this._readableState.ended) return;
      this.destroy(error);
    });
  };
}

function handleOf(socket: Socket): Handle {
  return {
    getpeername: (out) => nameInto(out, socket._getpeername()),
    getsockname: (out) => nameInto(out, socket._getsockname()),
    setNoDelay: (on) => void socket.setNoDelay(on),
    setKeepAlive: (on, seconds) => void socket.setKeepAlive(on, seconds * 1000),
    ref: () => void socket.ref(),
    unref: () => void socket.unref(),
  };
}

function nameInto(out: Partial<Name>, name: Partial<Name>): number {
  Object.assign(out, name);
  return 0;
}

/** HTTP/2 without TLS: its session's socket is the JSStreamSocket itself. */
function patchStreamSocket(prototype: StreamSocket): void {
  connectAsStream(prototype);
  requestOfOurs(prototype);
  for (const name of ["_getpeername", "_getsockname"] as const) {
    const { [name]: original } = prototype;
    prototype[name] = function () {
      return this.stream instanceof Socket ? this.stream[name]() : original.call(this);
    };
  }
  for (const name of ["ref", "unref", "setNoDelay", "setKeepAlive"] as const) {
    const original = prototype[name] as (...args: unknown[]) => unknown;
    (prototype[name] as (...args: unknown[]) => unknown) = function (this: StreamSocket, ...args: unknown[]) {
      if (!(this.stream instanceof Socket)) return original.apply(this, args);
      (this.stream[name] as (...args: unknown[]) => unknown)(...args);
      return this;
    };
  }
}

const streamOf = Symbol("stream");
const connecting = Symbol("connecting");
const requests = Symbol("requests");
type Connected = StreamSocket & { [streamOf]?: unknown; [connecting]?: boolean; [requests]?: Requests };

/** Node takes it that a stream is connected. These are properties that its constructor sets. */
function connectAsStream(prototype: StreamSocket): void {
  Object.defineProperty(prototype, "stream", {
    configurable: true,
    get(this: Connected) {
      return this[streamOf];
    },
    set(this: Connected, stream: unknown) {
      this[streamOf] = stream;
      if (!(stream instanceof Socket)) return;
      this[requests] = new Requests(this, stream);
      if (!stream.pending) return;
      for (const event of ["connect", "ready"]) stream.once(event, () => this.emit(event));
    },
  });
  Object.defineProperty(prototype, "connecting", {
    configurable: true,
    get(this: Connected) {
      const { [streamOf]: stream } = this;
      return stream instanceof Socket ? stream.pending && !stream.destroyed : this[connecting];
    },
    set(this: Connected, is: boolean) {
      this[connecting] = is;
    },
  });
}

/** What C++ asks for goes to a Socket of ours without detours. */
function requestOfOurs(prototype: StreamSocket): void {
  const { doWrite, doShutdown, doClose, readStop } = prototype;
  prototype.doWrite = function (this: Connected, request, chunks) {
    return this[requests]?.write(request, chunks) ?? doWrite.call(this, request, chunks);
  };
  prototype.readStop = function (this: Connected) {
    const { [requests]: ours } = this;
    // HTTP/2 does not read while it writes, which the kernel's sockets seldom do so long; nor again, where that was its last frame, though the
    // peer still has something to say.
    if (ours?.isWriting && !ours.isOfTLS) return 0;
    return readStop.call(this);
  };
  prototype.doShutdown = function (this: Connected, request) {
    return this[requests]?.shutdown(request) ?? doShutdown.call(this, request);
  };
  prototype.doClose = function (this: Connected, done) {
    if (this[requests] === undefined) doClose.call(this, done);
    else this[requests].close(done);
  };
}

/** Node exports it nowhere: it is what stands between a TLSSocket and a stream. */
function streamSocketPrototype(): StreamSocket {
  const stream = new Duplex({ read() {}, write() {} });
  // No authorities: reading the usual ones takes long.
  const secureContext = tls.createSecureContext({ ca: [] });
  const made = new tls.TLSSocket(stream, { secureContext }) as unknown as {
    _handle: { _parentWrap: StreamSocket };
  } & tls.TLSSocket;
  const { _parentWrap } = made._handle;
  made.destroy();
  return Object.getPrototypeOf(_parentWrap) as StreamSocket;
}
