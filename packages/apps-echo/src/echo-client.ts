/** The echo client: connections that each send a message, wait for it to come back, compare every byte, and time it. */
import { performance } from "node:perf_hooks";
import {
  type Address,
  type Completion,
  DemiError,
  errorName,
  type LibOS,
  Opcode,
  PushFlag,
  type QueueDescriptor,
  type Sga,
} from "@demikernel/core";
import { Connection } from "./connection.js";
import { Failure } from "./failure.js";
import { Latencies } from "./latencies.js";
import { familyOf, formatEndpoint } from "./options.js";
import { Payloads } from "./payload.js";

/** Connections being made at a time: fewer than a usual listen backlog, so that no SYN is dropped and sent again a second later. */
const CONNECTING = 128;

const NO_BYTES = new Uint8Array(0);

export interface ClientOptions {
  to: Address;
  kind: "tcp" | "udp";
  framing: "stream" | "dmtr";
  /** Bytes in a message. */
  size: number;
  /** Messages over all connections. */
  iterations: number;
  clients: number;
  /** Milliseconds a connection attempt or an echo may take. */
  timeout: number;
}

export class EchoClient {
  /** Round trips. */
  readonly latency = new Latencies();
  completed = 0;
  lost = 0;
  mismatches = 0;
  /** Datagrams that came a second time, or after they had been counted as lost. */
  late = 0;
  firstMismatch = "";
  failure: Failure | undefined;
  /** performance.now() at the first message and at the end of the last, milliseconds. */
  startedAt = 0;
  endedAt = 0;

  readonly connections = new Map<QueueDescriptor, Connection>();
  private readonly payloads: Payloads;
  private readonly starved: Connection[] = [];
  private opened = 0;
  private issued = 0;

  constructor(
    private readonly os: LibOS,
    private readonly options: ClientOptions,
  ) {
    this.payloads = new Payloads(options.size);
  }

  /** Resolves when all is done, failed (see `failure`) or stopped. */
  async run(): Promise<void> {
    const first = Math.min(this.options.clients, CONNECTING);
    for (let i = 0; i < first; i++) this.open();
    const watch = setInterval(() => this.expire(), Math.max(1, Math.min(this.options.timeout / 4, 250)));
    try {
      await this.os.run((event) => this.handle(event));
    } finally {
      clearInterval(watch);
    }
  }

  stop(): void {
    this.os.stop();
  }

  /** Milliseconds from the first message to the last echo, or to now while it runs. */
  elapsed(): number {
    return this.startedAt === 0 ? 0 : (this.endedAt || performance.now()) - this.startedAt;
  }

  private open(): void {
    const { kind, framing, to, size } = this.options;
    const qd = this.os.socket(kind, { family: familyOf(to.host), framing, maxMessage: Math.max(size, 1 << 20) });
    this.connections.set(qd, new Connection(qd));
    this.opened++;
    this.os.connect(qd, to);
  }

  private handle(event: Completion): void {
    const connection = this.connections.get(event.qd);
    const sga = event.opcode === Opcode.POP ? event.sga : 0;
    if (connection === undefined || sga === 0 || this.failure !== undefined) {
      this.handleOther(connection, event, sga);
    } else if (connection.ending) {
      this.mismatches++;
      this.firstMismatch ||= this.describe(connection, this.os.sga.bytes(sga));
      this.os.free(sga);
      this.finish(connection);
    } else {
      connection.popping = false;
      if (!this.receive(connection, sga, event.result)) this.os.free(sga);
      if (this.starved.length > 0) this.feed();
    }
  }

  /** Everything but an echo. */
  private handleOther(connection: Connection | undefined, { opcode, result }: Completion, sga: Sga | 0): void {
    if (connection === undefined || this.failure !== undefined) {
      if (sga !== 0) this.os.free(sga);
    } else if (connection.ending) {
      if (opcode === Opcode.POP) this.finish(connection); // the end, or as good as it
    } else if (result < 0) {
      this.broke(connection, opcode, result);
    } else if (opcode === Opcode.CONNECT) {
      connection.connected = true;
      if (this.opened < this.options.clients) this.open();
      this.next(connection);
    } else if (opcode === Opcode.POP) {
      this.fail(`${this.peer()} closed the connection after ${this.completed} echoes`);
    }
  }

  /**
   * Sends the connection's next message, or ends it when all have been sent. True when it went in `spare`, an sga of one segment as long
   * as a message, at `place`.
   */
  private next(connection: Connection, now = performance.now(), spare: Sga | 0 = 0, place = 0): boolean {
    if (this.issued === this.options.iterations) {
      this.end(connection);
      return false;
    }
    if (spare === 0) return this.nextInFresh(connection, now);
    this.send(connection, now, spare, place);
    return true;
  }

  /** In separate memory, if there is some. */
  private nextInFresh(connection: Connection, now: number): false {
    const sga = this.allocate();
    if (sga === 0) {
      connection.starvedSince ||= performance.now();
      this.starved.push(connection);
    } else {
      this.send(connection, now, sga, this.payloads.place(this.os.sga.view(sga), this.os.sga.offset(sga)));
    }
    return false;
  }

  private send(connection: Connection, now: number, sga: Sga, place: number): void {
    const message = this.issued++;
    this.payloads.fill(place, message);
    connection.begin(message, now);
    if (this.startedAt === 0) this.startedAt = connection.since;
    this.os.push(connection.qd, sga, PushFlag.FREE | PushFlag.QUIET);
    this.pop(connection);
  }

  private pop(connection: Connection): void {
    if (connection.popping) return;
    connection.popping = true;
    this.os.pop(connection.qd);
  }

  /** 0 when all of the arena's memory is on its way: an echo that comes back makes room. */
  private allocate(): Sga | 0 {
    try {
      return this.os.alloc(this.options.size);
    } catch (error) {
      if (error instanceof DemiError && error.code === "ENOBUFS") return 0;
      throw error;
    }
  }

  private feed(): void {
    for (let n = this.starved.length; n > 0; n--) {
      const connection = this.starved.shift() as Connection;
      if (this.connections.has(connection.qd)) this.next(connection);
    }
  }

  /** True when the sga went on as the connection's next message. */
  private receive(connection: Connection, sga: Sga, length: number): boolean {
    const { size } = this.options;
    // Nearly all come whole and in one piece: those are looked at once.
    if (
      length !== size ||
      connection.received !== 0 ||
      connection.message < 0 ||
      this.os.sga.segmentLength(sga) !== size
    ) {
      return this.receivePieces(connection, sga);
    }
    const place = this.payloads.place(this.os.sga.view(sga), this.os.sga.offset(sga));
    if (!this.payloads.matches(place, size, connection.message)) return this.receivePieces(connection, sga);
    return this.complete(connection, sga, place);
  }

  /** As receive(), whatever comes. */
  private receivePieces(connection: Connection, sga: Sga): boolean {
    const segments = this.os.sga.segments(sga);
    for (let i = 0; i < segments; i++) {
      // Not os.sga.bytes(), which makes an object.
      const place = this.payloads.place(this.os.sga.view(sga, i), this.os.sga.offset(sga, i));
      const length = this.os.sga.segmentLength(sga, i);
      if (connection.message >= 0 && this.payloads.matches(place, length, connection.message, connection.received)) {
        connection.received += length;
        continue;
      }
      if (this.datagrams && connection.hadBefore((message) => this.payloads.matches(place, length, message))) {
        this.late++;
        this.pop(connection);
      } else {
        this.mismatch(connection, this.os.sga.bytes(sga, i));
      }
      return false;
    }
    if (connection.received === this.options.size) return this.complete(connection);
    if (this.whole) {
      this.mismatch(connection, NO_BYTES); // a message that ends early
    } else {
      this.pop(connection); // a stream brings a message in pieces
    }
    return false;
  }

  private complete(connection: Connection, spare: Sga | 0 = 0, place = 0): boolean {
    const now = performance.now();
    this.latency.record(now - connection.since);
    this.completed++;
    this.endedAt = now;
    connection.end();
    return this.next(connection, now, spare, place);
  }

  private mismatch(connection: Connection, bytes: Uint8Array): void {
    this.mismatches++;
    this.firstMismatch ||= this.describe(connection, bytes);
    this.endedAt = performance.now();
    if (this.whole) {
      connection.end();
      this.next(connection);
    } else {
      this.finish(connection); // where the next message would begin in the stream is not known any more
    }
  }

  private describe({ message, received }: Connection, bytes: Uint8Array): string {
    if (message < 0) return `${bytes.length} bytes came back that were never sent`;
    if (bytes.length === 0) return `message ${message} came back with ${received} of ${this.options.size} bytes`;
    return this.payloads.difference(bytes, message, received);
  }

  /** Ends a stream from this side, and closes it once the other side has also ended: until then it might still send something. */
  private end(connection: Connection): void {
    if (this.datagrams || connection.ending) {
      this.finish(connection);
      return;
    }
    connection.ending = true;
    connection.since = performance.now();
    this.os.shutdown(connection.qd);
    this.pop(connection);
  }

  private finish(connection: Connection): void {
    this.connections.delete(connection.qd);
    this.os.close(connection.qd);
    if (this.opened < this.options.clients && this.issued < this.options.iterations) this.open();
    if (this.connections.size === 0) this.os.stop();
  }

  /** Datagrams without an answer are lost; anything else that does not answer ends the run. */
  private expire(): void {
    if (this.starved.length > 0) this.feed();
    const { timeout } = this.options;
    const overdue = performance.now() - timeout;
    for (const connection of this.connections.values()) {
      if (connection.ending && connection.since < overdue) {
        this.finish(connection); // every echo came: that it does not end is its own affair
        continue;
      }
      if (connection.starvedSince !== 0 && connection.starvedSince < overdue) {
        this.fail(`no memory for a message of ${this.options.size} bytes within ${timeout} ms (option "arena")`);
      }
      if (connection.since > overdue || (connection.connected && connection.message < 0)) continue;
      if (!connection.connected) {
        this.fail(`no connection to ${this.peer()} within ${timeout} ms`);
      } else if (!this.datagrams) {
        this.fail(`no echo from ${this.peer()} within ${timeout} ms`);
      } else {
        this.lost++;
        this.endedAt = performance.now();
        connection.end();
        this.next(connection);
      }
    }
  }

  private broke(connection: Connection, opcode: number, errno: number): void {
    const code = errorName(errno);
    const peer = this.peer();
    if (code === "ECONNREFUSED") {
      this.fail(`${peer} refused the connection: is a server listening there?`);
    } else if (opcode === Opcode.CONNECT) {
      this.fail(`cannot connect to ${peer}: ${code}`);
    } else {
      const when = `${this.completed} echoes before, message ${connection.message} of ${this.options.size} bytes under way`;
      this.fail(`the connection to ${peer} broke: ${code} (${when})`);
    }
  }

  private fail(sentence: string): void {
    this.failure ??= new Failure(sentence);
    this.endedAt ||= performance.now();
    this.os.stop();
  }

  private peer(): string {
    return `${this.options.kind} ${formatEndpoint(this.options.to)}`;
  }

  private get datagrams(): boolean {
    return this.options.kind === "udp";
  }

  /** One push is one pop: the messages keep their boundaries. */
  private get whole(): boolean {
    return this.datagrams || this.options.framing === "dmtr";
  }
}
