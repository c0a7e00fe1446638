/** The part of a Socket that looks at its {@link Link}, and sets it: addresses, counters, options, whether the process stays for it. */
import type { Link, Name, ReadInto } from "./link.js";
import { NodeSocketBase } from "./node-socket.js";
import { bytesIn, type Piece } from "./outgoing.js";
import { checkOptions, isReadInto, type SocketOptions, secondsOf } from "./socket-options.js";

export abstract class LinkedSocket extends NodeSocketBase {
  connecting = false;
  protected link: Link | undefined;
  /** What connects it. */
  protected attempt: { abandon(): void } | undefined;
  protected readonly into: ReadInto | undefined;
  /** Written before there is a connection. */
  protected pendingData: Piece[] | undefined;
  /** What was counted when the link was left. */
  protected finalBytes = { read: 0, written: 0 };
  protected names: { local?: Name; peer?: Name } = {};
  protected isReferenced = true;
  protected wantsNoDelay: boolean;
  protected wantsKeepAlive: boolean;
  protected keepAliveSeconds: number;

  constructor(options: SocketOptions) {
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
  }

  /** A link that is connected, or will be. */
  protected attach(link: Link): void {
    this.link = link;
    link.into = this.into;
    if (!this.isReferenced) link.unref();
  }

  /** From connect() on, as a handle of node:net's is there before it has a connection. */
  protected get isInUse(): boolean {
    return this.link !== undefined || this.attempt !== undefined;
  }

  get pending(): boolean {
    return this.link === undefined || this.connecting;
  }

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
    if (this.isInUse) {
      this.isReferenced = true;
      this.link?.ref();
    } else {
      this.once("connect", this.ref);
    }
    return this;
  }

  unref(): this {
    if (this.isInUse) {
      this.isReferenced = false;
      this.link?.unref();
    } else {
      this.once("connect", this.unref);
    }
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
    return this.link?.bytesWritten ?? this.finalBytes?.written;
  }

  get bytesWritten(): number {
    const { writableBuffer } = this as unknown as { writableBuffer?: Piece[] };
    if (writableBuffer === undefined) return undefined as unknown as number;
    return (
      this._bytesDispatched + bytesIn(writableBuffer) + (this.pendingData === undefined ? 0 : bytesIn(this.pendingData))
    );
  }

  get bufferSize(): number {
    return this.isInUse ? this.writableLength : (undefined as unknown as number);
  }
}
