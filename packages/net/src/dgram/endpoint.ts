/** A datagram queue of a libOS: one address, of one family. */
import { DemiError, errnoOf, PushFlag, type QueueDescriptor, type QueueToken, type Sga } from "@demikernel/core";
import { takeOut } from "../incoming.js";
import type { Name } from "../link.js";
import { errnoFrom, nameOf } from "../names.js";
import type { QueueUser, Stack } from "../stack.js";

/** Pops under way: so many datagrams come in one turn. */
const POPS = 8;
/** Datagrams under way at most; more wait here, not in the arena, which is everybody's. */
const MOST_UNSENT = 256;
const ECANCELED = errnoOf("ECANCELED");

export interface EndpointUser {
  message(bytes: Buffer, from: Name): void;
  failed(errno: number): void;
  /** The libOS has ended. */
  gone(): void;
}

export interface EndpointOptions {
  host: string;
  family: 4 | 6;
  port: number;
  reuseAddr: boolean;
  reusePort: boolean;
}

/** Bytes that were sent, or a negative errno. */
export type SendDone = (result: number) => void;

interface Outgoing {
  parts: readonly Uint8Array[];
  bytes: number;
  host: string | undefined;
  port: number | undefined;
  done: SendDone;
}

export class Endpoint implements QueueUser {
  readonly qd: QueueDescriptor;
  private readonly unsent = new Map<QueueToken, { bytes: number; done: SendDone }>();
  private readonly waiting: Outgoing[] = [];
  private unsentBytes = 0;
  private isClosed = false;
  private connected: ((errno: number) => void) | undefined;
  private drained: (() => void) | undefined;

  /** Bound, and receiving. Throws {@link DemiError}. */
  constructor(
    private readonly stack: Stack,
    private readonly user: EndpointUser,
    readonly options: EndpointOptions,
  ) {
    const { os } = stack;
    this.qd = os.socket("udp", { family: options.family });
    try {
      if (options.reuseAddr) this.prefer("reuseaddr", true);
      if (options.reusePort) this.prefer("reuseport", true);
      os.bind(this.qd, { host: options.host, port: options.port });
    } catch (error) {
      os.close(this.qd);
      throw error;
    }
    stack.attach(this.qd, this);
    for (let i = 0; i < POPS; i++) os.pop(this.qd);
  }

  /** Sets an option where the backend has it. */
  prefer(...[name, value]: ["reuseaddr" | "reuseport", boolean] | ["rcvbuf" | "sndbuf", number]): void {
    try {
      this.stack.os.setsockopt(this.qd, name, value as never);
    } catch (error) {
      if (!(error instanceof DemiError) || error.code !== "ENOPROTOOPT") throw error;
    }
  }

  localName(): Name {
    return nameOf(this.stack.os.getsockname(this.qd));
  }

  /** `done` with 0 or a negative errno. */
  connect(host: string, port: number, done: (errno: number) => void): void {
    this.connected = done;
    this.stack.os.connect(this.qd, { host, port });
  }

  onConnect(result: number): void {
    const { connected } = this;
    this.connected = undefined;
    connected?.(result);
  }

  onAccept(): void {}

  onGone(): void {
    if (!this.isClosed) this.user.gone();
  }

  // ---- receiving -------------------------------------------------------------------------------------------------------

  onPop(result: number, sga: Sga): void {
    if (this.isClosed) {
      if (sga !== 0) this.stack.os.free(sga);
      return;
    }
    const { os } = this.stack;
    if (sga === 0) {
      if (result === ECANCELED) return;
      os.pop(this.qd);
      this.user.failed(result);
      return;
    }
    const from = os.sga.address(sga);
    const bytes = takeOut(os, sga, result);
    // Before it is told: a listener that throws does not end the receiving.
    os.pop(this.qd);
    if (from !== undefined) this.user.message(bytes, nameOf(from));
  }

  // ---- sending ---------------------------------------------------------------------------------------------------------

  get sendQueueCount(): number {
    return this.unsent.size + this.waiting.length;
  }

  get sendQueueSize(): number {
    return this.waiting.reduce((sum, { bytes }) => sum + bytes, this.unsentBytes);
  }

  /** `host` and `port` undefined: to whom it is connected. `done` later, never at once. */
  send(parts: readonly Uint8Array[], host: string | undefined, port: number | undefined, done: SendDone): void {
    const bytes = parts.reduce((sum, { length }) => sum + length, 0);
    this.waiting.push({ parts, bytes, host, port, done });
    if (this.waiting.length === 1) this.goOn();
  }

  private readonly goOn = (): void => {
    while (this.waiting.length > 0 && this.unsent.size < MOST_UNSENT) {
      const next = this.waiting[0];
      try {
        if (!this.push(next)) return;
      } catch (error) {
        setImmediate(next.done, errnoFrom(error));
      }
      this.waiting.shift();
    }
    this.finish();
  };

  /** False: there is no memory now. */
  private push({ parts, bytes, host, port, done }: Outgoing): boolean {
    const { os } = this.stack;
    let sga: Sga;
    try {
      sga = os.alloc(bytes);
    } catch (error) {
      if (!(error instanceof DemiError) || error.code !== "ENOBUFS") throw error;
      this.stack.awaitMemory(this.goOn);
      return false;
    }
    const view = os.sga.view(sga);
    let at = os.sga.offset(sga);
    for (const part of parts) {
      view.set(part, at);
      at += part.length;
    }
    try {
      const qt =
        host === undefined || port === undefined
          ? os.push(this.qd, sga, PushFlag.FREE)
          : os.pushTo(this.qd, sga, { host, port }, PushFlag.FREE);
      this.unsent.set(qt, { bytes, done });
      this.unsentBytes += bytes;
    } catch (error) {
      os.free(sga);
      throw error;
    }
    return true;
  }

  onPush(result: number, qt: QueueToken): void {
    const sent = this.unsent.get(qt);
    if (sent === undefined) return;
    this.unsent.delete(qt);
    this.unsentBytes -= sent.bytes;
    if (this.waiting.length > 0) this.goOn();
    this.stack.giveWay();
    try {
      sent.done(result);
    } finally {
      this.finish();
    }
  }

  // ---- end -------------------------------------------------------------------------------------------------------------

  /** `drained` once, when what was sent has left, or cannot: perhaps at once. */
  close(drained: () => void): void {
    this.isClosed = true;
    this.drained = drained;
    this.stack.endQueue(this.qd);
    for (const { done } of this.waiting.splice(0)) setImmediate(done, ECANCELED);
    this.finish();
  }

  private finish(): void {
    const { drained } = this;
    if (drained === undefined) return;
    // Of a libOS that is gone nothing is told any more.
    if (this.unsent.size > 0 && !this.stack.os.closed) return;
    this.drained = undefined;
    this.stack.detach(this.qd);
    drained();
  }
}
