/**
 * What a bound socket stands on: an {@link Endpoint}, or, on "::", one of each family, since a queue of a libOS has one. IPv4 peers then look as
 * IPv6's do (RFC 4291 section 2.5.5.2).
 */
import { DemiError } from "@demikernel/core";
import type { Name } from "../link.js";
import type { Stack } from "../stack.js";
import { Endpoint, type EndpointOptions, type EndpointUser, type SendDone } from "./endpoint.js";

const MAPPED = "::ffff:";
/** Pairs of ports that are tried where any will do. */
const TRIES = 8;

export interface BoundOptions extends EndpointOptions {
  ipv6Only: boolean;
}

export class Bound {
  /** On "::", the second one is IPv4's. */
  private endpoints: Endpoint[];
  /** The one that is connected, which alone is listened to. */
  private connected: Endpoint | undefined;
  private peer: Name | undefined;
  private isHeld = false;
  private isReferenced = true;

  /** Throws {@link DemiError}. */
  constructor(
    private readonly stack: Stack,
    private readonly options: BoundOptions,
    private readonly user: EndpointUser,
  ) {
    const { host, family, ipv6Only } = options;
    this.endpoints = family === 6 && host === "::" && !ipv6Only ? this.both() : [this.endpoint(options, false)];
    this.hold();
  }

  private endpoint(options: EndpointOptions, isMapped: boolean): Endpoint {
    const endpoint = new Endpoint(
      this.stack,
      {
        message: (bytes, from) => {
          if (this.connected !== undefined && this.connected !== endpoint) return;
          if (isMapped) Object.assign(from, { address: MAPPED + from.address, family: "IPv6" });
          this.user.message(bytes, from);
        },
        failed: (errno) => this.user.failed(errno),
        gone: () => this.user.gone(),
      },
      options,
    );
    return endpoint;
  }

  private both(): Endpoint[] {
    for (let tries = 1; ; tries++) {
      const first = this.endpoint(this.options, false);
      const { port } = first.localName();
      try {
        return [first, this.endpoint({ ...this.options, host: "0.0.0.0", family: 4, port }, true)];
      } catch (error) {
        if (!(error instanceof DemiError)) throw error;
        if (error.code === "EAFNOSUPPORT" || error.code === "EADDRNOTAVAIL") return [first];
        first.close(() => {});
        // The port that was chosen for IPv6 is somebody's in IPv4.
        if (error.code !== "EADDRINUSE" || this.options.port !== 0 || tries === TRIES) throw error;
      }
    }
  }

  /** Which one reaches this address, and how it is written there. */
  private to(host: string): [Endpoint, string] {
    const [first, second] = this.endpoints;
    const isMapped = second !== undefined && host.toLowerCase().startsWith(MAPPED) && host.includes(".");
    return isMapped ? [second, host.slice(MAPPED.length)] : [first, host];
  }

  localName(): Name {
    const name = (this.connected ?? this.endpoints[0]).localName();
    if (this.connected !== undefined && this.connected === this.endpoints[1]) {
      return { ...name, address: MAPPED + name.address, family: "IPv6" };
    }
    return name;
  }

  peerName(): Name | undefined {
    return this.peer && { ...this.peer };
  }

  /** `done` with 0 or a negative errno. Throws {@link DemiError}. */
  connect(host: string, port: number, done: (errno: number) => void): void {
    const [endpoint, address] = this.to(host);
    endpoint.connect(address, port, (errno) => {
      if (errno === 0) {
        this.connected = endpoint;
        this.peer = { address: host, family: this.options.family === 6 ? "IPv6" : "IPv4", port };
      }
      done(errno);
    });
  }

  /** A queue stays connected: another one takes its place, on the port that was asked for. One that was not is given back, as by the kernel. */
  disconnect(): void {
    const { connected } = this;
    if (connected === undefined) return;
    const port = this.endpoints.length === 1 ? connected.options.port : connected.localName().port;
    connected.close(() => {});
    this.connected = undefined;
    this.peer = undefined;
    const at = this.endpoints.indexOf(connected);
    this.endpoints[at] = this.endpoint({ ...connected.options, port }, at === 1);
  }

  /** `host` and `port` undefined: to whom it is connected. */
  send(parts: readonly Uint8Array[], host: string | undefined, port: number | undefined, done: SendDone): void {
    if (host === undefined) (this.connected ?? this.endpoints[0]).send(parts, undefined, undefined, done);
    else {
      const [endpoint, address] = this.to(host);
      endpoint.send(parts, address, port, done);
    }
  }

  get sendQueueCount(): number {
    return this.endpoints.reduce((sum, endpoint) => sum + endpoint.sendQueueCount, 0);
  }

  get sendQueueSize(): number {
    return this.endpoints.reduce((sum, endpoint) => sum + endpoint.sendQueueSize, 0);
  }

  /** Throws {@link DemiError}. */
  bufferSize(which: "rcvbuf" | "sndbuf", size: number): number {
    const { os } = this.stack;
    if (size !== 0) for (const { qd } of this.endpoints) os.setsockopt(qd, which, size);
    return os.getsockopt(this.endpoints[0].qd, which);
  }

  /** As {@link bufferSize}, where the backend has it. */
  preferBufferSize(which: "rcvbuf" | "sndbuf", size: number): void {
    for (const endpoint of this.endpoints) endpoint.prefer(which, size);
  }

  ref(): void {
    this.isReferenced = true;
    this.hold();
  }

  unref(): void {
    this.isReferenced = false;
    this.release();
  }

  private hold(): void {
    if (this.isHeld) return;
    this.isHeld = true;
    this.stack.hold();
  }

  private release(): void {
    if (!this.isHeld) return;
    this.isHeld = false;
    this.stack.release();
  }

  /** `done` when what was sent has left: perhaps at once. The process stays until then. */
  close(done: () => void): void {
    let open = this.endpoints.length;
    if (!this.isReferenced) this.hold();
    for (const endpoint of this.endpoints) {
      endpoint.close(() => {
        if (--open > 0) return;
        this.release();
        done();
      });
    }
  }
}
