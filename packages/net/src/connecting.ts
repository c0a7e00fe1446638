/** From an address or a name to a connection: one attempt, or several in turn (RFC 8305, as node:net's autoSelectFamily does it). */
import { AsyncResource } from "node:async_hooks";
import { isIP, type SocketConnectOpts, type TcpSocketConnectOpts } from "node:net";
import { errnoOf } from "@demikernel/core";
import { type ConnectPlan, planOf } from "./connect-options.js";
import { addressError, allOf, attemptsTimedOut, type SocketError } from "./errors.js";
import { KernelLink } from "./kernel-link.js";
import type { Link, LinkUser, Name } from "./link.js";
import { type Address, lookUp, type Seeker } from "./lookup.js";
import { errnoFrom } from "./names.js";
import { QueueLink } from "./queue-link.js";
import { routeOf } from "./route.js";
import { type Stack, withStack } from "./stack.js";

/** The Socket that is connected. */
export interface ConnectTarget extends LinkUser {
  connecting: boolean;
  readonly destroyed: boolean;
  autoSelectFamilyAttemptedAddresses: string[] | undefined;
  /** @internal */
  _host: string | null;
  /** @internal */
  _unrefTimer(): void;
  /** @internal */
  _getsockname(): Partial<Name>;
  emit(event: string, ...args: unknown[]): boolean;
  destroy(error?: Error): unknown;
  trying(link: Link | undefined): void;
  connected(): void;
}

const ETIMEDOUT = errnoOf("ETIMEDOUT");
const EALREADY = errnoOf("EALREADY");
const ECONNREFUSED = errnoOf("ECONNREFUSED");
/** What the kernel says to connect() itself: node:net then counts it as no attempt, and says from where. */
const AT_ONCE = new Set(["ENETUNREACH", "EACCES", "EINVAL", "EADDRNOTAVAIL", "EAFNOSUPPORT", "EPERM"].map(errnoOf));
export class Connecting implements Seeker {
  private readonly plan: ConnectPlan;
  private readonly port: number;
  private addresses: Address[] = [];
  private next = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly errors: SocketError[] = [];
  private link: Link | undefined;
  private isAbandoned = false;

  /** Throws for what is no place to connect to. */
  constructor(
    private readonly target: ConnectTarget,
    options: SocketConnectOpts,
    /** Another one is under way: this one fails, as the kernel has it. */
    private readonly isSecond = false,
  ) {
    this.plan = planOf(options);
    this.port = this.plan.port;
  }

  start(): void {
    const { path, host } = this.plan;
    if (path !== undefined) {
      this.overKernel();
      return;
    }
    const family = isIP(host);
    if (family !== 0) {
      process.nextTick(() => this.only({ address: host, family }));
      return;
    }
    this.target._host = host;
    lookUp(this.plan, this);
  }

  /** Nobody wants it any more. */
  abandon(): void {
    this.isAbandoned = true;
    clearTimeout(this.timer);
  }

  get isOver(): boolean {
    return this.isAbandoned || !this.target.connecting;
  }

  // ---- names -----------------------------------------------------------------------------------------------------------

  tell(error: Error | null, address?: string, family?: number): void {
    this.target.emit("lookup", error, address, family, this.plan.host);
  }

  failed(error: Error): void {
    // Who makes a socket by connecting it has no listener on it yet.
    process.nextTick(() => this.target.destroy(error));
  }

  found(addresses: Address[]): void {
    this.target._unrefTimer();
    if (addresses.length === 1) {
      this.only(addresses[0]);
      return;
    }
    this.target.autoSelectFamilyAttemptedAddresses = [];
    this.addresses = addresses;
    this.attemptNext();
  }

  // ---- attempts --------------------------------------------------------------------------------------------------------

  /** The only address there is. */
  private only(to: Address): void {
    if (this.isOver) return;
    this.onStack((stack) =>
      this.attempt(stack, to, (error) => {
        if (error === undefined) this.target.connected();
        else this.target.destroy(error);
      }),
    );
  }

  private attemptNext(): void {
    const { target } = this;
    if (this.isOver) return;
    if (this.next === this.addresses.length) {
      target.destroy(this.errors.length === 0 ? attemptsTimedOut() : allOf(this.errors));
      return;
    }
    const to = this.addresses[this.next++];
    const isLast = this.next === this.addresses.length;
    target.autoSelectFamilyAttemptedAddresses?.push(`${to.address}:${this.port}`);
    this.onStack((stack) => {
      let isDecided = false;
      const link = this.attempt(stack, to, (error) => {
        if (isDecided) return;
        isDecided = true;
        clearTimeout(this.timer);
        if (error === undefined) {
          target.connected();
          return;
        }
        this.errors.push(error);
        this.attemptNext();
      });
      if (isLast || isDecided) return;
      this.timer = setTimeout(() => {
        isDecided = true;
        target.emit("connectionAttemptTimeout", to.address, this.port, to.family);
        this.errors.push(addressError(ETIMEDOUT, "connect", to.address, this.port));
        link?.close();
        this.attemptNext();
      }, this.plan.attemptTimeout);
    });
  }

  /** `done` once, with why it is no connection. The link may be closed before. */
  private attempt(stack: Stack, to: Address, done: (error?: SocketError) => void): Link | undefined {
    const { target, port } = this;
    const { address, family } = to;
    if (this.isSecond) {
      target.emit("connectionAttempt", address, port, family);
      done(addressError(EALREADY, "connect", address, port, this.localText(family)));
      return undefined;
    }
    const { localPort } = this.plan.options as TcpSocketConnectOpts;
    const local = this.localOf(family);
    if (routeOf(stack, address, "connect") === "kernel") {
      // An address that is looked up, at once, is attempted at once: not a turn later.
      const lookup = (_host: string, _options: object, found: (error: null, address: string, family: number) => void) =>
        found(null, address, family);
      const options = { ...this.plan.options, host: "an.address", port, lookup, autoSelectFamily: false };
      return this.throughKernel(options as SocketConnectOpts, done);
    }
    const link = this.linkOf(stack, family, (errno) => done(addressError(errno, "connect", address, port)));
    if (link === undefined) return undefined;
    if (local !== undefined) {
      try {
        stack.os.bind(link.qd, local);
      } catch (error) {
        done(addressError(errnoFrom(error), "bind", local.host, local.port));
        return undefined;
      }
    }
    target.emit("connectionAttempt", address, port, family);
    const details = local !== undefined && localPort ? `${local.host}:${local.port}` : undefined;
    // What comes of it is told by a completion, which has no context of its own.
    const ended = AsyncResource.bind((errno: number) => {
      if (this.isOver || this.link !== link) return;
      if (errno === 0) {
        done();
        return;
      }
      if (AT_ONCE.has(errno)) {
        const atOnce = addressError(errno, "connect", address, port, this.localText(family));
        if (this.addresses.length !== 0) target.emit("connectionAttemptFailed", address, port, family, atOnce);
        done(atOnce);
        return;
      }
      const error = addressError(errno, "connect", address, port, details);
      if (details !== undefined) Object.assign(error, { localAddress: local?.host, localPort: local?.port });
      target.emit("connectionAttemptFailed", address, port, family, error);
      done(error);
    });
    // No peer is at port 0, as the kernel answers.
    if (port === 0) setImmediate(ended, ECONNREFUSED);
    else {
      try {
        link.connect(address, port, ended);
      } catch (error) {
        setImmediate(ended, errnoFrom(error));
      }
    }
    return link;
  }

  /** How it is named in what fails at once. */
  private localText(family: number): string {
    const { address = family === 6 ? "::" : "0.0.0.0", port = 0 } = this.target._getsockname();
    return `${address}:${port}`;
  }

  private localOf(family: number): { host: string; port: number } | undefined {
    const { localAddress, localPort } = this.plan.options as TcpSocketConnectOpts;
    if (!localAddress && !localPort) return undefined;
    return { host: localAddress || (family === 6 ? "::" : "0.0.0.0"), port: localPort ?? 0 };
  }

  private linkOf(stack: Stack, family: number, failed: (errno: number) => void): QueueLink | undefined {
    this.link?.close();
    try {
      const link = new QueueLink(stack, stack.os.socket("tcp", { family: family === 6 ? 6 : 4 }), this.target);
      this.link = link;
      this.target.trying(link);
      return link;
    } catch (error) {
      const errno = errnoFrom(error);
      setImmediate(failed, errno);
      return undefined;
    }
  }

  private onStack(use: (stack: Stack) => void): void {
    withStack(
      (stack) => {
        if (!this.isOver) use(stack);
      },
      (error) => this.target.destroy(error),
    );
  }

  // ---- the kernel's ----------------------------------------------------------------------------------------------------

  private overKernel(): void {
    this.throughKernel(this.plan.options, (error) => {
      if (error === undefined) this.target.connected();
      else this.target.destroy(error);
    });
  }

  private throughKernel(options: SocketConnectOpts, done: (error?: SocketError) => void): Link {
    const { target } = this;
    const link = KernelLink.connect(
      options,
      target,
      (event, ...args) => {
        if (!this.isOver) target.emit(event, ...args);
      },
      (error) => {
        if (!this.isOver) done(error);
      },
    );
    this.link = link;
    // It may be over by now, by a listener for the attempt.
    if (this.isOver) link.close();
    else target.trying(link);
    return link;
  }
}
