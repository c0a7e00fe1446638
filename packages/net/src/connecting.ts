/** From a name to a connection: the lookup, and one attempt, or several in turn (RFC 8305, as node:net's autoSelectFamily does it). */
import dns from "node:dns";
import net, { isIP, type SocketConnectOpts } from "node:net";
import { errnoOf } from "@demikernel/core";
import { portOf } from "./connect-arguments.js";
import {
  addressError,
  allOf,
  attemptsTimedOut,
  badAddress,
  badFamily,
  outOfRange,
  type SocketError,
  wrongType,
} from "./errors.js";
import { KernelLink } from "./kernel-link.js";
import type { Link, LinkUser, Name } from "./link.js";
import { errnoFrom, QueueLink } from "./queue-link.js";
import { routeOf } from "./route.js";
import { defaultStack, openStack, type Stack } from "./stack.js";

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

interface Address {
  address: string;
  family: number;
}

const ETIMEDOUT = errnoOf("ETIMEDOUT");
const EALREADY = errnoOf("EALREADY");
const ECONNREFUSED = errnoOf("ECONNREFUSED");
/** What the kernel says to connect() itself: node:net then counts it as no attempt, and says from where. */
const AT_ONCE = new Set(["ENETUNREACH", "EACCES", "EINVAL", "EADDRNOTAVAIL", "EAFNOSUPPORT", "EPERM"].map(errnoOf));
/** As node:net's: shorter attempts are none. */
const LEAST_ATTEMPT = 10;

export class Connecting {
  private readonly port: number;
  private readonly host: string;
  private readonly severally: boolean;
  private readonly attemptTimeout: number;
  private addresses: Address[] = [];
  private next = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly errors: SocketError[] = [];
  private link: Link | undefined;
  private isAbandoned = false;

  /** Throws for what is no place to connect to. */
  constructor(
    private readonly target: ConnectTarget,
    private readonly options: SocketConnectOpts,
    /** Another one is under way: this one fails, as the kernel has it. */
    private readonly isSecond = false,
  ) {
    const given = options as unknown as Record<string, unknown>;
    this.host = (given.host as string) || "localhost";
    if (given.path) {
      if (typeof given.path !== "string") throw wrongType("options.path", "of type string", given.path);
      this.port = 0;
    } else {
      this.port = portOf(given.port);
    }
    const { localAddress, localPort, autoSelectFamily, autoSelectFamilyAttemptTimeout, lookup } = given;
    if (localAddress && !isIP(String(localAddress))) throw badAddress(localAddress);
    if (localPort && typeof localPort !== "number") throw wrongType("options.localPort", "of type number", localPort);
    if (autoSelectFamily !== undefined && autoSelectFamily !== null && typeof autoSelectFamily !== "boolean") {
      throw wrongType("options.autoSelectFamily", "of type boolean", autoSelectFamily);
    }
    this.severally = (autoSelectFamily as boolean | undefined) ?? net.getDefaultAutoSelectFamily();
    this.attemptTimeout = attemptTimeoutOf(autoSelectFamilyAttemptTimeout);
    // An address is not looked up.
    if (
      lookup !== undefined &&
      lookup !== null &&
      typeof lookup !== "function" &&
      isIP(this.host) === 0 &&
      !given.path
    ) {
      throw wrongType("options.lookup", "of type function", lookup);
    }
  }

  start(): void {
    const given = this.options as { path?: string };
    if (given.path) {
      this.overKernel();
      return;
    }
    const family = isIP(this.host);
    if (family !== 0) {
      process.nextTick(() => this.only({ address: this.host, family }));
      return;
    }
    this.lookUp();
  }

  /** Nobody wants it any more. */
  abandon(): void {
    this.isAbandoned = true;
    clearTimeout(this.timer);
  }

  private get isOver(): boolean {
    return this.isAbandoned || !this.target.connecting;
  }

  // ---- names -----------------------------------------------------------------------------------------------------------

  private lookUp(): void {
    const { target, host } = this;
    const { family: wanted, hints, localAddress, lookup } = this.options as net.TcpSocketConnectOpts;
    const asked = wanted as unknown;
    const family = asked === "IPv4" ? 4 : asked === "IPv6" ? 6 : wanted;
    const isFixed = family === 4 || family === 6;
    const options = { family, hints: !isFixed && !hints ? dns.ADDRCONFIG : hints || 0 };
    target._host = host;
    const ask = (lookup || dns.lookup) as (host: string, options: object, done: (...found: never[]) => void) => void;
    if (!isFixed && !localAddress && this.severally) {
      ask(host, { ...options, all: true }, (error: Error | null, found: Address[]) => this.foundAll(error, found));
    } else {
      ask(host, options, (error: Error | null, address: string, kind: number) => {
        target.emit("lookup", error, address, kind, host);
        if (this.isOver) return;
        const wrong = error ?? this.wrong({ address, family: kind });
        if (wrong !== undefined) this.failLater(wrong);
        else {
          target._unrefTimer();
          this.only({ address, family: kind });
        }
      });
    }
  }

  private wrong({ address, family }: Address): SocketError | undefined {
    if (isIP(address) === 0) return badAddress(address);
    if (family !== 4 && family !== 6) return badFamily(family, this.host, this.port);
    return undefined;
  }

  private failLater(error: Error): void {
    // Who makes a socket by connecting it has no listener on it yet.
    process.nextTick(() => this.target.destroy(error));
  }

  private foundAll(error: Error | null, found: Address[]): void {
    const { target, host } = this;
    if (this.isOver) return;
    if (error) {
      target.emit("lookup", error, undefined, undefined, host);
      this.failLater(error);
      return;
    }
    const valid: Address[] = [];
    for (const each of found) {
      target.emit("lookup", error, each.address, each.family, host);
      if (this.isOver) return;
      if (this.wrong(each) === undefined && !valid.some(({ address }) => address === each.address)) valid.push(each);
    }
    if (valid.length === 0) {
      const wrong = this.wrong(found[0]);
      if (wrong !== undefined) this.failLater(wrong);
      return;
    }
    const inTurn = alternating(valid);
    target._unrefTimer();
    if (inTurn.length === 1) {
      this.only(inTurn[0]);
      return;
    }
    target.autoSelectFamilyAttemptedAddresses = [];
    this.addresses = inTurn;
    this.attemptNext();
  }

  // ---- attempts --------------------------------------------------------------------------------------------------------

  /** The only address there is. */
  private only(to: Address): void {
    if (this.isOver) return;
    this.withStack((stack) =>
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
    this.withStack((stack) => {
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
      }, this.attemptTimeout);
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
    const { localPort } = this.options as net.TcpSocketConnectOpts;
    const local = this.localOf(family);
    if (routeOf(stack, address, "connect") === "kernel") {
      target.emit("connectionAttempt", address, port, family);
      return this.throughKernel(
        { ...this.options, host: address, port, lookup: undefined } as SocketConnectOpts,
        (error) => {
          if (error !== undefined) target.emit("connectionAttemptFailed", address, port, family, error);
          done(error);
        },
      );
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
    const ended = (errno: number) => {
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
    };
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
    const { localAddress, localPort } = this.options as net.TcpSocketConnectOpts;
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

  private withStack(use: (stack: Stack) => void): void {
    const stack = openStack();
    if (stack !== undefined) {
      use(stack);
      return;
    }
    defaultStack().then(
      (made) => {
        if (!this.isOver) use(made);
      },
      (error: Error) => this.target.destroy(error),
    );
  }

  // ---- the kernel's ----------------------------------------------------------------------------------------------------

  private overKernel(): void {
    const { path } = this.options as { path: string };
    this.target.emit("connectionAttempt", path, undefined, undefined);
    if (this.isOver) return;
    this.throughKernel(this.options, (error) => {
      if (error === undefined) {
        this.target.connected();
        return;
      }
      this.target.emit("connectionAttemptFailed", path, undefined, undefined, error);
      this.target.destroy(error);
    });
  }

  private throughKernel(options: SocketConnectOpts, done: (error?: SocketError) => void): Link {
    const link = KernelLink.connect(options, this.target, (error) => {
      if (!this.isOver) done(error);
    });
    this.link = link;
    this.target.trying(link);
    return link;
  }
}

/** First the family of the first one, then by turns. */
function alternating(addresses: Address[]): Address[] {
  const first = addresses.filter(({ family }) => family === addresses[0].family);
  const others = addresses.filter(({ family }) => family !== addresses[0].family);
  const all: Address[] = [];
  for (let i = 0; i < Math.max(first.length, others.length); i++) {
    if (i < first.length) all.push(first[i]);
    if (i < others.length) all.push(others[i]);
  }
  return all;
}

function attemptTimeoutOf(given: unknown): number {
  const name = "options.autoSelectFamilyAttemptTimeout";
  if (given === undefined || given === null) return net.getDefaultAutoSelectFamilyAttemptTimeout();
  if (typeof given !== "number") throw wrongType(name, "of type number", given);
  if (!Number.isInteger(given)) throw outOfRange(name, "an integer", given);
  if (given < 1 || given > 2 ** 31 - 1) throw outOfRange(name, ">= 1 && <= 2147483647", given);
  return Math.max(given, LEAST_ATTEMPT);
}
