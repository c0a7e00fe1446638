/** Queues that listen: what stands where node:net's Server has its handle. */
import type { QueueDescriptor } from "@demikernel/core";
import { DemiError } from "@demikernel/core";
import type { Name } from "./link.js";
import { nameOf } from "./names.js";
import type { QueueUser, Stack } from "./stack.js";

/** Accepts under way at once: who connects comes in crowds. */
const ACCEPTS = 16;
const MOST_BACKLOG = 65535;
/** Pairs of ports that are tried where any will do. */
const TRIES = 8;

export interface ListenOptions {
  /** null: all addresses of the device, of both families where it has them. */
  address: string | null;
  port: number;
  family: 4 | 6;
  backlog: number;
  ipv6Only: boolean;
  reuseport: boolean;
}

/** Told of connections; `viaMapped`: an IPv4 peer of who listens on both families. */
export type Accepted = (stack: Stack, qd: QueueDescriptor, viaMapped: boolean) => void;

export class Listening {
  private readonly queues: QueueDescriptor[] = [];
  private isHeld = true;
  private isClosed = false;

  private constructor(
    private readonly stack: Stack,
    private readonly accepted: Accepted,
    private readonly failed: (errno: number) => void,
    private readonly gone: () => void,
  ) {
    stack.hold();
  }

  /** Throws {@link DemiError}. */
  static on(
    stack: Stack,
    options: ListenOptions,
    accepted: Accepted,
    failed: (errno: number) => void,
    gone: () => void,
  ): Listening {
    const listening = new Listening(stack, accepted, failed, gone);
    try {
      const { address } = options;
      if (address === null) listening.onAll(options);
      else if (address === "::" && !options.ipv6Only) listening.onBoth(options);
      else listening.add({ ...options, address, family: options.family }, false);
      return listening;
    } catch (error) {
      listening.close();
      throw error;
    }
  }

  /** Both families, or IPv4 alone where the device has no IPv6: as node:net. */
  private onAll(options: ListenOptions): void {
    try {
      this.onBoth({ ...options, address: "::", family: 6 });
    } catch (error) {
      if (
        !(error instanceof DemiError) ||
        (error.code !== "EAFNOSUPPORT" && error.code !== "EADDRNOTAVAIL" && error.code !== "EOPNOTSUPP")
      ) {
        throw error;
      }
      this.add({ ...options, address: "0.0.0.0", family: 4 }, false);
    }
  }

  private onBoth(options: ListenOptions): void {
    for (let tries = 1; ; tries++) {
      const first = this.add({ ...options, address: "::", family: 6 }, false);
      const { port } = this.stack.os.getsockname(first);
      try {
        this.add({ ...options, address: "0.0.0.0", family: 4, port }, true);
        return;
      } catch (error) {
        const isTaken = error instanceof DemiError && error.code === "EADDRINUSE";
        // The port that was chosen for IPv6 is somebody's in IPv4.
        if (!isTaken || options.port !== 0 || tries === TRIES) throw error;
        this.queues.pop();
        this.stack.close(first);
      }
    }
  }

  private add(options: ListenOptions & { address: string }, viaMapped: boolean): QueueDescriptor {
    const { os } = this.stack;
    const qd = os.socket("tcp", { family: options.family });
    try {
      if (options.reuseport) os.setsockopt(qd, "reuseport", true);
      os.bind(qd, { host: options.address, port: options.port });
      os.listen(qd, backlogOf(options.backlog));
    } catch (error) {
      os.close(qd);
      throw error;
    }
    this.queues.push(qd);
    this.stack.attach(qd, new Listener(this, qd, viaMapped));
    for (let i = 0; i < ACCEPTS; i++) this.acceptNext(qd);
    return qd;
  }

  private acceptNext(listener: QueueDescriptor): void {
    if (this.isClosed || !this.queues.includes(listener)) return;
    try {
      this.stack.os.accept(listener);
    } catch (error) {
      if (!(error instanceof DemiError) || error.code !== "EAGAIN") throw error;
      // The libOS takes no more operations now, of anybody.
      this.stack.awaitMemory(() => this.acceptNext(listener));
    }
  }

  /** @internal */
  onAccept(result: number, listener: QueueDescriptor, qd: QueueDescriptor, viaMapped: boolean): void {
    if (this.isClosed) {
      if (qd !== 0) this.stack.os.close(qd);
      return;
    }
    this.acceptNext(listener);
    if (result < 0) this.failed(result);
    else this.accepted(this.stack, qd, viaMapped);
  }

  /** @internal The libOS has ended. */
  onGone(): void {
    if (!this.isClosed) this.gone();
  }

  close(done?: () => void): void {
    if (!this.isClosed) {
      this.isClosed = true;
      this.unref();
      for (const qd of this.queues) this.stack.close(qd);
    }
    if (done !== undefined) setImmediate(done);
  }

  ref(): void {
    if (this.isHeld || this.isClosed) return;
    this.isHeld = true;
    this.stack.hold();
  }

  unref(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    this.stack.release();
  }

  /** As a handle of node:net's has it: 0, or a negative errno. */
  getsockname(out: Partial<Name>): number {
    try {
      Object.assign(out, nameOf(this.stack.os.getsockname(this.queues[0])));
      return 0;
    } catch (error) {
      if (error instanceof DemiError) return error.errno;
      throw error;
    }
  }
}

/** The kernel takes any number, and a negative one for the most there is. */
function backlogOf(given: number): number {
  const backlog = Math.trunc(given);
  return backlog >= 0 && backlog < MOST_BACKLOG ? backlog : MOST_BACKLOG;
}

class Listener implements QueueUser {
  constructor(
    private readonly listening: Listening,
    private readonly qd: QueueDescriptor,
    private readonly viaMapped: boolean,
  ) {}
  onPop(): void {}
  onPush(): void {}
  onConnect(): void {}
  onAccept(result: number, qd: QueueDescriptor): void {
    this.listening.onAccept(result, this.qd, qd, this.viaMapped);
  }
  onGone(): void {
    this.listening.onGone();
  }
}
