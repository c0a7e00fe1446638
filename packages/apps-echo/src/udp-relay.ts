/**
 * A UDP relay, the shape of a TURN server: datagrams from any client go to one target, and its replies back to the client
 * that asked.
 *
 * Each client has a separate upstream socket, connected to the target: the kernel then tells replies apart by port and
 * refuses datagrams from anybody else. The table of clients is bounded; a new client beyond the bound takes the place of the one
 * that has been silent longest, and one that was silent for the idle time is forgotten.
 *
 * The upstream socket of a forgotten client rests before it is closed: the kernel may give its port to the next client's at once, and
 * what the target still had to say to the one would reach the other.
 */
import {
  type Address,
  type Completion,
  type LibOS,
  Opcode,
  type PopCompletion,
  PushFlag,
  type QueueDescriptor,
  type QueueToken,
  type Sga,
} from "@demikernel/core";
import { familyOf, formatEndpoint } from "./options.js";

/** Datagrams from clients under way at a time. Each is one pop of the front queue, renewed when the datagram has gone on. */
const FROM_CLIENTS = 64;
/** Replies under way at a time, per client. */
const FROM_TARGET = 4;
/** Milliseconds for which the upstream socket of a forgotten client rests: replies that are under way come within. */
const REST = 1000;
/**
 * Upstream sockets that may rest at a time, or as many as clients where that is more. When all do, nobody is forgotten for a newcomer:
 * its datagram is dropped.
 */
const RESTING = 64;

export interface RelayOptions {
  target: Address;
  maxClients: number;
  /** Milliseconds after which a silent client is forgotten. */
  idle: number;
}

interface Client {
  readonly key: string;
  readonly address: Address;
  readonly upstream: QueueDescriptor;
  connected: boolean;
  /** What came before the upstream socket was connected; at most FROM_CLIENTS. */
  readonly waiting: Sga[];
  lastHeard: number;
  /** When it was forgotten: performance.now(), or 0. */
  forgottenAt: number;
}

export class UdpRelay {
  readonly forward = { datagrams: 0, bytes: 0 };
  readonly back = { datagrams: 0, bytes: 0 };
  /** Datagrams that could not be sent on: refused, too long, empty, their client was forgotten meanwhile, or had no place. */
  dropped = 0;
  seen = 0;
  forgotten = 0;

  /** Least recently heard first: a Map keeps the order of insertion. */
  private readonly clients = new Map<string, Client>();
  /** The clients, and the forgotten ones whose upstream sockets rest. */
  private readonly byUpstream = new Map<QueueDescriptor, Client>();
  /** Forgotten first. */
  private readonly resting: Client[] = [];
  /** Replies on their way to a client. */
  private readonly replies = new Map<QueueToken, Client>();

  constructor(
    private readonly os: LibOS,
    private readonly front: QueueDescriptor,
    private readonly options: RelayOptions,
  ) {}

  /** Every queue the relay holds. */
  get queues(): QueueDescriptor[] {
    return [this.front, ...this.byUpstream.keys()];
  }

  async run(): Promise<void> {
    for (let i = 0; i < FROM_CLIENTS; i++) this.os.pop(this.front);
    const sweep = setInterval(() => this.sweep(), Math.max(10, Math.min(this.options.idle, REST) / 4));
    try {
      await this.os.run((event) => this.handle(event));
    } finally {
      clearInterval(sweep);
    }
  }

  private handle(event: Completion): void {
    const atFront = event.qd === this.front;
    if (event.opcode === Opcode.CONNECT) {
      this.connected(event);
    } else if (event.opcode === Opcode.POP) {
      if (atFront) this.fromClient(event);
      else this.fromTarget(event);
    } else {
      if (atFront) this.replied(event);
      else this.forwarded(event);
    }
  }

  private fromClient(event: PopCompletion): void {
    const address = event.sga === 0 ? undefined : this.os.sga.address(event.sga);
    const client = event.result <= 0 || address === undefined ? undefined : this.clientAt(address);
    if (client === undefined) {
      if (event.sga !== 0) this.os.free(event.sga);
      this.dropOne();
    } else if (client.connected) {
      this.os.push(client.upstream, event.sga, PushFlag.FREE);
    } else {
      client.waiting.push(event.sga);
    }
  }

  private forwarded(event: Completion): void {
    if (event.result < 0) {
      this.dropOne();
      return;
    }
    this.forward.datagrams++;
    this.forward.bytes += event.result;
    this.os.pop(this.front);
  }

  private fromTarget(event: PopCompletion): void {
    const client = this.byUpstream.get(event.qd);
    if (client !== undefined && event.result > 0) {
      this.replies.set(this.os.pushTo(this.front, event.sga, client.address, PushFlag.FREE), client);
      return;
    }
    if (event.sga !== 0) this.os.free(event.sga);
    // Nobody listens at the target (ECONNREFUSED), or an empty datagram: the next may fare better.
    if (client !== undefined) this.os.pop(event.qd);
  }

  private replied(event: Completion): void {
    const client = this.replies.get(event.qt);
    this.replies.delete(event.qt);
    if (event.result < 0) {
      this.dropped++;
    } else {
      this.back.datagrams++;
      this.back.bytes += event.result;
    }
    if (client !== undefined && this.byUpstream.has(client.upstream)) this.os.pop(client.upstream);
  }

  private connected(event: Completion): void {
    const client = this.byUpstream.get(event.qd);
    if (client === undefined) return;
    if (client.forgottenAt !== 0) return; // nothing was sent from it, so nothing will come: it is closed in its turn
    if (event.result < 0) {
      this.release(client);
      this.close(client);
      return;
    }
    client.connected = true;
    for (const sga of client.waiting.splice(0)) this.os.push(client.upstream, sga, PushFlag.FREE);
    for (let i = 0; i < FROM_TARGET; i++) this.os.pop(client.upstream);
  }

  private clientAt(address: Address): Client | undefined {
    const key = formatEndpoint(address);
    let client = this.clients.get(key);
    if (client === undefined) {
      const full = this.clients.size >= this.options.maxClients;
      if (full && !this.forget(this.clients.values().next().value as Client)) return undefined;
      client = this.admit(key, address);
      if (client === undefined) return undefined;
    } else {
      this.clients.delete(key);
    }
    this.clients.set(key, client);
    client.lastHeard = performance.now();
    return client;
  }

  private admit(key: string, address: Address): Client | undefined {
    const { target } = this.options;
    let upstream: QueueDescriptor;
    try {
      upstream = this.os.socket("udp", { family: familyOf(target.host) });
    } catch {
      return undefined; // out of descriptors: the datagram is dropped, as a full socket buffer would
    }
    const client: Client = { key, address, upstream, connected: false, waiting: [], lastHeard: 0, forgottenAt: 0 };
    this.byUpstream.set(upstream, client);
    this.seen++;
    this.os.connect(upstream, target);
    return client;
  }

  /** False when all places to rest are taken: the client stays. */
  private forget(client: Client): boolean {
    this.closeRested();
    if (this.resting.length >= Math.max(RESTING, this.options.maxClients)) return false;
    this.release(client);
    client.forgottenAt = performance.now();
    this.resting.push(client);
    return true;
  }

  /** Its place in the table, and what waits for its connection. */
  private release(client: Client): void {
    this.clients.delete(client.key);
    this.forgotten++;
    for (const sga of client.waiting.splice(0)) {
      this.os.free(sga);
      this.dropOne();
    }
  }

  private close(client: Client): void {
    this.byUpstream.delete(client.upstream);
    this.os.close(client.upstream); // its pushes end with ECANCELED, and renew their pops in forwarded()
  }

  private closeRested(): void {
    const limit = performance.now() - REST;
    while (this.resting.length > 0 && (this.resting[0] as Client).forgottenAt <= limit) {
      this.close(this.resting.shift() as Client);
    }
  }

  private sweep(): void {
    this.closeRested();
    const limit = performance.now() - this.options.idle;
    for (const client of this.clients.values()) {
      if (client.lastHeard > limit || !this.forget(client)) return;
    }
  }

  /** A datagram ends here; its place goes to the next one. */
  private dropOne(): void {
    this.dropped++;
    this.os.pop(this.front);
  }
}
