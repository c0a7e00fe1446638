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

export class KernelLink implements Link {
  into: ReadInto | undefined;
  isReading = false;
  private isClosed = false;
  private isConnected = false;

  /** `done` with undefined, or why there is no connection. */
  static connect(options: SocketConnectOpts, user: LinkUser, done: (error?: SocketError) => void): KernelLink {
    const socket = new NodeSocket({ allowHalfOpen: true });
    const link = new KernelLink(socket, user, "path" in options && Boolean(options.path));
    socket.once("error", done);
    socket.connect(options, () => {
      socket.off("error", done);
      link.isConnected = true;
      done();
    });
    return link;
  }

  constructor(
    readonly socket: KernelSocket,
    private readonly user: LinkUser,
    readonly isPipe: boolean,
  ) {
    socket.pause();
    socket.on("data", this.onData);
    socket.on("end", () => this.user[ended]());
    socket.on("error", (error: SocketError) => {
      if (this.isConnected && error.errno !== undefined) this.user[failed](error.errno, error.syscall ?? "read");
    });
    socket.on("drain", () => this.user[active]());
  }

  private readonly onData = (bytes: Buffer): void => {
    if (this.isClosed) return;
    let wantsMore = true;
    if (this.into === undefined) wantsMore = this.user[received](bytes);
    else {
      for (let at = 0; at < bytes.length; ) {
        const { buffer, callback } = this.into;
        const into = typeof buffer === "function" ? buffer() : buffer;
        const some = Math.min(into.length, bytes.length - at);
        into.set(bytes.subarray(at, at + some));
        at += some;
        wantsMore = callback.call(this.user, some, into) !== false;
      }
    }
    if (!wantsMore) this.readStop();
  };

  get bytesRead(): number {
    return this.socket.bytesRead;
  }
  get bytesWritten(): number {
    return this.socket.bytesWritten;
  }
  get unsent(): number {
    return this.socket.writableLength;
  }
  readStart(): void {
    this.isReading = true;
    this.socket.resume();
  }
  readStop(): void {
    this.isReading = false;
    this.socket.pause();
  }
  write(chunk: Chunk, encoding: BufferEncoding, done: Done): void {
    this.socket.write(chunk, encoding, done);
  }
  writev(chunks: readonly { chunk: Chunk; encoding: BufferEncoding }[], done: Done): void {
    this.socket.cork();
    chunks.forEach(({ chunk, encoding }, i) => {
      this.socket.write(chunk, encoding, i === chunks.length - 1 ? done : undefined);
    });
    this.socket.uncork();
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
      : { address, port, family: localFamily as Name["family"] };
  }
  peerName(): Name | undefined {
    const { remoteAddress: address, remotePort: port, remoteFamily } = this.socket;
    return address === undefined || port === undefined
      ? undefined
      : { address, port, family: remoteFamily as Name["family"] };
  }
}
