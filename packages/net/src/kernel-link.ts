/** A {@link Link} over a socket of node:net: for what no backend has (pipes), and for what register leaves to the kernel. */
import type { Socket as KernelSocket, SocketConnectOpts } from "node:net";
import type { SocketError } from "./errors.js";
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
import { NodeSocket } from "./node-socket.js";

/** What is used of it that is no public method. */
interface Underlying extends KernelSocket {
  readonly _handle: { readonly writeQueueSize: number } | null;
  _write(chunk: Chunk, encoding: BufferEncoding, done: Done): void;
  _writev(chunks: readonly { chunk: Chunk; encoding: BufferEncoding }[], done: Done): void;
}

export class KernelLink implements Link {
  into: ReadInto | undefined;
  isReading = false;
  private isEnded = false;
  private isClosed = false;
  private isConnected = false;

  /** `done` with undefined, or why there is no connection; `tell` of attempts: the events of node:net. */
  static connect(
    options: SocketConnectOpts,
    user: LinkUser,
    tell: (event: string, ...args: unknown[]) => void,
    done: (error?: SocketError) => void,
  ): KernelLink {
    const socket = new NodeSocket({ allowHalfOpen: true }) as Underlying;
    const link = new KernelLink(socket, user, "path" in options && Boolean(options.path));
    for (const event of ["connectionAttempt", "connectionAttemptFailed"]) socket.on(event, tell.bind(undefined, event));
    socket.once("error", done);
    socket.connect(options, () => {
      socket.off("error", done);
      link.isConnected = true;
      done();
    });
    return link;
  }

  /** Of a descriptor, or a handle of node's, that the application has. Throws for what is none. */
  static over(given: { fd?: number; handle?: unknown }, user: LinkUser): KernelLink {
    const socket = new NodeSocket({ ...given, allowHalfOpen: true, manualStart: true } as object) as Underlying;
    const link = new KernelLink(socket, user, socket.remoteAddress === undefined);
    link.isConnected = true;
    return link;
  }

  constructor(
    private readonly socket: Underlying,
    private readonly user: LinkUser,
    readonly isPipe: boolean,
  ) {
    socket.pause();
    socket.on("data", this.onData);
    socket.on("end", this.onEnd);
    socket.on("error", (error: SocketError) => {
      if (this.isConnected && error.errno !== undefined) this.user[failed](error.errno, error.syscall ?? "read");
    });
  }

  private readonly onEnd = (): void => {
    this.isEnded = true;
    // Held back as bytes are, where they go into the user's buffer.
    if (!this.isClosed && (this.into === undefined || this.isReading)) this.user[ended]();
  };

  private readonly onData = (bytes: Buffer): void => {
    if (this.isClosed) return;
    let wantsMore = true;
    if (this.into === undefined) wantsMore = this.user[received](bytes);
    else wantsMore = this.readInto(this.into, bytes);
    if (!wantsMore) this.readStop();
  };

  private readInto({ buffer, callback }: ReadInto, bytes: Buffer): boolean {
    for (let at = 0; at < bytes.length; ) {
      const into = typeof buffer === "function" ? buffer() : buffer;
      const some = Math.min(into.length, bytes.length - at);
      into.set(bytes.subarray(at, at + some));
      at += some;
      const wantsMore = callback.call(this.user, some, into) !== false;
      if (!wantsMore || !this.isReading) {
        // First: what is put back would be told at once.
        this.socket.pause();
        if (at < bytes.length && !this.isClosed) this.socket.unshift(bytes.subarray(at));
        return false;
      }
    }
    return true;
  }

  get bytesRead(): number {
    return this.socket.bytesRead;
  }
  get bytesWritten(): number {
    return this.socket.bytesWritten;
  }
  get unsent(): number {
    return this.socket._handle?.writeQueueSize ?? 0;
  }
  readStart(): void {
    this.isReading = true;
    if (this.into === undefined) this.socket.resume();
    // What was held back comes as what is read: in a later turn.
    else setImmediate(this.goOn);
  }
  private readonly goOn = (): void => {
    if (!this.isReading) return;
    if (this.isEnded) this.onEnd();
    else this.socket.resume();
  };
  readStop(): void {
    this.isReading = false;
    this.socket.pause();
  }
  // Below the queue of its stream: there is one above already, and callbacks come as soon as the kernel has the bytes.
  write(chunk: Chunk, encoding: BufferEncoding, done: Done): void {
    this.socket._write(chunk, encoding, this.whenWritten(done));
  }
  writev(chunks: readonly { chunk: Chunk; encoding: BufferEncoding }[], done: Done): void {
    this.socket._writev(chunks, this.whenWritten(done));
  }
  private whenWritten(done: Done): Done {
    return (error) => {
      if (!this.isClosed) this.user[active]();
      done(error);
    };
  }
  shutdown(done: Done): void {
    this.socket.end(done);
  }
  close(): void {
    this.isClosed = true;
    this.socket.destroy();
  }
  reset(): void {
    this.isClosed = true;
    this.socket.resetAndDestroy();
  }
  ref(): void {
    this.socket.ref();
  }
  unref(): void {
    this.socket.unref();
  }
  setNoDelay(on: boolean): void {
    this.socket.setNoDelay(on);
  }
  setKeepAlive(on: boolean, seconds: number): void {
    this.socket.setKeepAlive(on, seconds * 1000);
  }
  localName(): Name | undefined {
    const { localAddress: address, localPort: port, localFamily } = this.socket;
    return address === undefined || port === undefined
      ? undefined
      : { address, family: localFamily as Name["family"], port };
  }
  peerName(): Name | undefined {
    const { remoteAddress: address, remotePort: port, remoteFamily } = this.socket;
    return address === undefined || port === undefined
      ? undefined
      : { address, family: remoteFamily as Name["family"], port };
  }
}
