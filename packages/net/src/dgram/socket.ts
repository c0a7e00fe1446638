/** node:dgram's Socket over a libOS: its events, their order, its errors. Behaviour: https://nodejs.org/docs/latest-v20.x/api/dgram.html */
import { AsyncResource } from "node:async_hooks";
import cluster from "node:cluster";
import type { BindOptions, RemoteInfo, SocketType } from "node:dgram";
import diagnostics from "node:diagnostics_channel";
import dns from "node:dns";
import { addAbortListener, errorMonitor } from "node:events";
import { isIP } from "node:net";
import { errnoOf } from "@demikernel/core";
import { addressError, systemError, wrongType } from "../errors.js";
import type { Name } from "../link.js";
import { errnoFrom } from "../names.js";
import { type Stack, withStack } from "../stack.js";
import { Bound } from "./bound.js";
import { alreadyBound, badBufferSize, bufferSizeError, isConnected, notConnected, notRunning } from "./errors.js";
import { type Datagram, datagramOf, type SendCallback, sendPort } from "./send-arguments.js";
import { checkOptions, type DatagramSocketOptions } from "./socket-options.js";
import { SocketWithoutMulticast } from "./without-multicast.js";

type Lookup = (host: string, family: number, done: (error: Error | null, address: string) => void) => void;

const EBADF = errnoOf("EBADF");
const EINVAL = errnoOf("EINVAL");
const ENOTSUP = errnoOf("EOPNOTSUPP");
const made = diagnostics.channel("udp.socket");

export class DatagramSocket extends SocketWithoutMulticast {
  readonly type: SocketType;
  private readonly family: 4 | 6;
  private readonly options: Partial<DatagramSocketOptions>;
  private readonly lookup: Lookup;
  private isOpen = true;
  private isBinding = false;
  private bound: Bound | undefined;
  private connection: "none" | "connecting" | "connected" = "none";
  private isReferenced = true;
  /** What came is told in the asynchronous context that it was made in. */
  private readonly context = new AsyncResource("DEMIDGRAM");
  /** What waits for it to be bound. */
  private afterBinding: (() => void)[] | undefined;

  constructor(given: SocketType | DatagramSocketOptions, listener?: (message: Buffer, from: RemoteInfo) => void) {
    super();
    const options: Partial<DatagramSocketOptions> =
      typeof given === "object" && given !== null ? given : { type: given };
    checkOptions(options);
    const { lookup, signal } = options;
    this.type = options.type;
    this.family = options.type === "udp6" ? 6 : 4;
    this.options = options;
    this.lookup = (lookup ?? dns.lookup) as unknown as Lookup;
    if (typeof listener === "function") this.on("message", listener);
    if (signal !== undefined) this.closeOn(signal);
    if (made.hasSubscribers) made.publish({ socket: this });
  }

  private closeOn(signal: AbortSignal): void {
    const abort = () => {
      if (this.isOpen) this.close();
    };
    if (signal.aborted) {
      abort();
      return;
    }
    const listening = addAbortListener(signal, abort);
    this.once("close", () => listening[Symbol.dispose]());
  }

  // ---- binding ---------------------------------------------------------------------------------------------------------

  bind(port?: number, address?: string, callback?: () => void): this;
  bind(port?: number, callback?: () => void): this;
  bind(callback?: () => void): this;
  bind(options: BindOptions, callback?: () => void): this;
  bind(...args: unknown[]): this {
    this.checkOpen();
    if (this.isBinding || this.bound !== undefined) throw alreadyBound();
    const options = bindOptions(args);
    if (typeof options.fd === "number" && options.fd > 0) throw systemError(ENOTSUP, "open");
    const callback = args.at(-1);
    if (typeof callback === "function") this.onceListening(callback as () => void);
    this.startBinding(options);
    return this;
  }

  private onceListening(callback: () => void): void {
    const remove = () => {
      this.removeListener("error", remove);
      this.removeListener("listening", listening);
    };
    const listening = () => {
      remove();
      callback.call(this);
    };
    this.on("error", remove);
    this.on("listening", listening);
  }

  private startBinding({ port, address, exclusive }: BindOptions): void {
    this.isBinding = true;
    this.lookUp(address || (this.family === 6 ? "::" : "0.0.0.0"), (error, host) => {
      // Also of one that calls back twice.
      if (!this.isOpen || !this.isBinding) return;
      if (error !== null) this.bindFailed(error);
      else this.onStack((stack) => this.bindTo(stack, host, Number(port) || 0, Boolean(exclusive)));
    });
  }

  private bindFailed(error: Error): void {
    this.isBinding = false;
    this.emit("error", error);
  }

  private onStack(use: (stack: Stack) => void): void {
    withStack(
      (stack) => this.isOpen && use(stack),
      (error) => this.isOpen && this.bindFailed(error),
    );
  }

  private bindTo(stack: Stack, host: string, port: number, exclusive: boolean): void {
    if (!this.isBinding) return;
    const { reuseAddr, ipv6Only, recvBufferSize, sendBufferSize } = this.options;
    try {
      if (isIP(host) !== this.family) {
        this.bindFailed(addressError(EINVAL, "bind", host, port));
        return;
      }
      this.bound = new Bound(
        stack,
        {
          host,
          port,
          family: this.family,
          reuseAddr: Boolean(reuseAddr),
          // The workers of a cluster share a port, each with a libOS of its own.
          reusePort: cluster.isWorker && !exclusive,
          ipv6Only: Boolean(ipv6Only),
        },
        { message: this.received, failed: this.receiveFailed, gone: this.gone },
      );
    } catch (error) {
      this.bindFailed(addressError(errnoFrom(error), "bind", host, port));
      return;
    }
    this.isBinding = false;
    if (!this.isReferenced) this.bound.unref();
    if (recvBufferSize) this.bound.preferBufferSize("rcvbuf", recvBufferSize);
    if (sendBufferSize) this.bound.preferBufferSize("sndbuf", sendBufferSize);
    this.emit("listening");
  }

  private readonly received = (bytes: Buffer, from: Name): void => {
    const rinfo = from as unknown as RemoteInfo;
    rinfo.size = bytes.length;
    this.context.runInAsyncScope(this.emit, this, "message", bytes, rinfo);
  };

  private readonly receiveFailed = (errno: number): void => {
    this.context.runInAsyncScope(this.emit, this, "error", systemError(errno, "recvmsg"));
  };

  private readonly gone = (): void => {
    if (this.isOpen) this.context.runInAsyncScope(this.close, this);
  };

  /** Bound to any port, if it is not bound yet; then what waits. */
  private whenBound(then: () => void): void {
    if (this.bound === undefined && !this.isBinding) this.startBinding({ port: 0, exclusive: true });
    if (this.bound !== undefined) {
      then();
      return;
    }
    if (this.afterBinding === undefined) {
      this.afterBinding = [];
      const failed = () => {
        this.removeListener("listening", listening);
        this.afterBinding = undefined;
      };
      const listening = () => {
        this.removeListener(errorMonitor, failed);
        const all = this.afterBinding ?? [];
        this.afterBinding = undefined;
        for (const each of all) each();
      };
      this.once(errorMonitor, failed);
      this.once("listening", listening);
    }
    this.afterBinding.push(then);
  }

  private lookUp(address: string, done: (error: Error | null, host: string) => void): void {
    this.lookup(address || (this.family === 6 ? "::1" : "127.0.0.1"), this.family, done);
  }

  // ---- connecting ------------------------------------------------------------------------------------------------------

  connect(port: number, address?: string, callback?: SendCallback): void;
  connect(port: number, callback?: SendCallback): void;
  connect(givenPort: number, ...args: unknown[]): void {
    const port = sendPort(givenPort);
    const [address = "", callback] = typeof args[0] === "function" ? ["", args[0]] : args;
    if (typeof address !== "string") throw wrongType("address", "of type string", address);
    if (this.connection !== "none") throw isConnected();
    this.connection = "connecting";
    this.whenBound(() => this.connectTo(port, address, callback as SendCallback | undefined));
  }

  private connectTo(port: number, address: string, callback: SendCallback | undefined): void {
    if (callback) this.once("connect", callback);
    const failed = (error: Error) => {
      this.connection = "none";
      process.nextTick(() => {
        if (callback) {
          this.removeListener("connect", callback);
          callback(error);
        } else {
          this.emit("error", error);
        }
      });
    };
    this.lookUp(address, (error, host) => {
      const { bound } = this;
      if (bound === undefined) return;
      if (error !== null) {
        failed(error);
        return;
      }
      const ended = AsyncResource.bind((errno: number) => {
        if (this.bound !== bound) return;
        if (errno !== 0) {
          failed(addressError(errno, "connect", address, port));
          return;
        }
        this.connection = "connected";
        process.nextTick(() => this.emit("connect"));
      });
      try {
        if (isIP(host) !== this.family) ended(EINVAL);
        else bound.connect(host, port, ended);
      } catch (thrown) {
        ended(errnoFrom(thrown));
      }
    });
  }

  disconnect(): void {
    if (this.connection !== "connected" || this.bound === undefined) throw notConnected();
    try {
      this.bound.disconnect();
    } catch (error) {
      throw systemError(errnoFrom(error), "connect");
    }
    this.connection = "none";
  }

  remoteAddress(): Name {
    this.checkOpen();
    const name = this.connection === "connected" ? this.bound?.peerName() : undefined;
    if (name === undefined) throw notConnected();
    return name;
  }

  // ---- sending ---------------------------------------------------------------------------------------------------------

  send(...args: unknown[]): void {
    const datagram = datagramOf(args, this.connection === "connected");
    this.checkOpen();
    this.whenBound(() => this.transmit(datagram));
  }

  private transmit(datagram: Datagram): void {
    const { address, port } = datagram;
    if (port === undefined) this.sendTo(datagram, undefined);
    else {
      this.lookUp(address ?? "", (error, host) => {
        if (error === null) this.sendTo(datagram, host);
        else if (datagram.callback !== undefined) process.nextTick(datagram.callback, error);
        else process.nextTick(() => this.emit("error", error));
      });
    }
  }

  private sendTo({ parts, port, address, callback }: Datagram, host: string | undefined): void {
    // It was closed in the meantime.
    if (this.bound === undefined) return;
    const tell = (result: number): void => {
      if (callback === undefined) return;
      if (result >= 0) callback(null, result);
      else if (port === undefined) callback(systemError(result, "send"));
      else callback(addressError(result, "send", address as string, port));
    };
    const done = callback === undefined ? tell : AsyncResource.bind(tell);
    if (host !== undefined && isIP(host) !== this.family) process.nextTick(done, EINVAL);
    else this.bound.send(parts, host, port, done);
  }

  getSendQueueSize(): number {
    this.checkOpen();
    return this.bound?.sendQueueSize ?? 0;
  }

  getSendQueueCount(): number {
    this.checkOpen();
    return this.bound?.sendQueueCount ?? 0;
  }

  // ---- end -------------------------------------------------------------------------------------------------------------

  close(callback?: () => void): this {
    if (typeof callback === "function") this.on("close", callback);
    if (this.afterBinding !== undefined) {
      this.afterBinding.push(() => this.close());
      return this;
    }
    this.checkOpen();
    this.isOpen = false;
    const { bound } = this;
    this.bound = undefined;
    const tell = () => process.nextTick(() => this.emit("close"));
    if (bound === undefined) tell();
    else bound.close(tell);
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isOpen) await new Promise<void>((done) => this.close(done));
  }

  ref(): this {
    this.isReferenced = true;
    this.bound?.ref();
    return this;
  }

  unref(): this {
    this.isReferenced = false;
    this.bound?.unref();
    return this;
  }

  protected override checkOpen(): void {
    if (!this.isOpen) throw notRunning();
  }

  protected override get isBound(): boolean {
    return this.bound !== undefined;
  }

  // ---- names and options -----------------------------------------------------------------------------------------------

  address(): Name {
    this.checkOpen();
    if (this.bound === undefined) throw systemError(EBADF, "getsockname");
    return this.bound.localName();
  }

  getRecvBufferSize(): number {
    return this.bufferSize(0, "rcvbuf", "uv_recv_buffer_size");
  }

  getSendBufferSize(): number {
    return this.bufferSize(0, "sndbuf", "uv_send_buffer_size");
  }

  setRecvBufferSize(size: number): void {
    this.bufferSize(size, "rcvbuf", "uv_recv_buffer_size");
  }

  setSendBufferSize(size: number): void {
    this.bufferSize(size, "sndbuf", "uv_send_buffer_size");
  }

  private bufferSize(size: number, which: "rcvbuf" | "sndbuf", syscall: string): number {
    if (size >>> 0 !== size) throw badBufferSize();
    if (this.bound === undefined) throw bufferSizeError(EBADF, syscall);
    try {
      return this.bound.bufferSize(which, size);
    } catch (error) {
      throw bufferSizeError(errnoFrom(error), syscall);
    }
  }
}

function bindOptions(args: unknown[]): BindOptions & { fd?: number } {
  const [first, second] = args;
  if (typeof first === "object" && first !== null) return first as BindOptions;
  return {
    port: typeof first === "function" ? 0 : (first as number),
    address: typeof second === "function" ? undefined : (second as string),
  };
}
