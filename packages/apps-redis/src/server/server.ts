/** The server: listeners, connections, and what is done from time to time. */
import { randomBytes } from "node:crypto";
import { type Completion, DemiError, type LibOS, Opcode, type QueueDescriptor, type Sga } from "@demikernel/core";
import { Acl } from "../acl/acl.js";
import type { Command } from "../commands/command.js";
import { commandTable } from "../commands/index.js";
import { checkDebug } from "../commands/server/debug-check.js";
import type { Config } from "../config/config.js";
import { ActiveExpiry } from "../keyspace/active-expiry.js";
import { Evictor } from "../keyspace/eviction.js";
import { Keyspace } from "../keyspace/keyspace.js";
import { withWords } from "../memory/bytes.js";
import type { Heap } from "../memory/heap.js";
import type { Args } from "../protocol/args.js";
import { Reply } from "../protocol/reply.js";
import { Found, RequestParser } from "../protocol/request-parser.js";
import { Ahead } from "./ahead.js";
import { Blocking } from "./blocking.js";
import { Call } from "./call.js";
import { Client } from "./client.js";
import { Cron } from "./cron.js";
import { dispatch, runUnblocked } from "./dispatch.js";
import { Latency } from "./latency.js";
import { Limits } from "./limits.js";
import { Memory } from "./memory.js";
import { Notifications } from "./notifications.js";
import { Observer } from "./observer.js";
import { Pause } from "./pause.js";
import { PubSub } from "./pubsub.js";
import { Statistics } from "./statistics.js";
import { Tracker } from "./tracking.js";
import { WallClock } from "./wall-clock.js";
import { Watches } from "./watches.js";

/** Replies of one batch that are sent before the batch is over, bytes. */
const SENT_BEFORE = 64 * 1024;
/** Milliseconds for which the next accept waits when there are no descriptors. */
const ACCEPT_PAUSE = 100;
/** What waits for every client, without a look at its limits: as much as Redis keeps beside the list that it limits. */
const UNCOUNTED_OUTPUT = 16 * 1024;
/** Memory of a request that is not whole: at least, and for bytes that are only announced, beyond as many again as there are. */
const LEAST_QUERY = 4096;
const MOST_AHEAD = 64 * 1024;

export class Server {
  readonly keyspace: Keyspace;
  readonly evictor: Evictor;
  readonly activeExpiry: ActiveExpiry;
  readonly cron = new Cron(this);
  readonly commands = commandTable();
  readonly clients = new Map<QueueDescriptor, Client>();
  readonly call = new Call(this, new Reply());
  readonly blocking: Blocking;
  readonly watches: Watches;
  readonly notifications = new Notifications((channel, message) => this.publish(channel, message));
  readonly acl = new Acl(this);
  readonly pause = new Pause(this);
  readonly pubsub = new PubSub(this);
  readonly tracker = new Tracker(this);
  readonly observer = new Observer(this);
  readonly latency = new Latency();
  readonly limits = new Limits(this);
  readonly memory: Memory;
  readonly statistics = new Statistics(this);
  readonly started = Date.now();
  /** Milliseconds of a clock that only goes forward. */
  readonly clock = performance.now.bind(performance);
  readonly wallClock = new WallClock();
  private lapBegan = 0;
  /** Of the history of the dataset, as INFO tells it. */
  replicationId = randomBytes(20).toString("hex");
  connections = 0;
  processed = 0;
  private listeners: QueueDescriptor[] = [];
  private readonly parser = new RequestParser();
  private readonly ahead = new Ahead();
  private nextId = 1;
  /** Whose replies are being written. */
  current: Client | undefined;

  constructor(
    readonly os: LibOS,
    readonly config: Config,
    heap?: Heap,
  ) {
    this.keyspace = new Keyspace(config.databases, heap);
    this.keyspace.onExpired = (db, key) => this.notifications.notify("x", "expired", key, db.id);
    this.activeExpiry = new ActiveExpiry(this.keyspace, config);
    this.evictor = new Evictor(this.keyspace, config, (db, key) =>
      this.notifications.notify("e", "evicted", key, db.id),
    );
    this.blocking = new Blocking(
      this.keyspace,
      (client, body) => this.as(client, body),
      (client, wait, serve) => runUnblocked(this, client, wait, serve),
    );
    this.watches = new Watches(this.keyspace);
    config.onChange("notify-keyspace-events", () => {
      this.notifications.set(config.notifyKeyspaceEvents);
      return undefined;
    });
    this.notifications.set(config.notifyKeyspaceEvents);
    config.onChange("requirepass", () => {
      this.acl.setDefaultPassword(config.requirepass);
      return undefined;
    });
    if (config.requirepass !== "") this.acl.setDefaultPassword(config.requirepass);
    this.cron.tasks.push(this.limits.tick, this.tracker.limit);
    for (const name of ["maxmemory-clients", "maxmemory"]) {
      config.onChange(name, () => {
        this.limits.recount();
        return undefined;
      });
    }
    this.memory = new Memory(this);
    config.onChange("slowlog-max-len", () => {
      this.observer.trimSlow();
      return undefined;
    });
    this.onClosed.push((client) => {
      this.observer.forget(client);
      this.limits.forget(client);
      this.pause.forget(client);
      this.pubsub.forget(client);
      this.tracker.forget(client);
    });
  }

  /** What CONFIG RESETSTAT does. */
  resetStatistics(): void {
    this.connections = 0;
    this.processed = 0;
    Object.assign(this.keyspace, { hits: 0, misses: 0, expired: 0, evicted: 0, lazyFreed: 0 });
    for (const command of this.commands.all.values()) command.resetStatistics();
    this.statistics.reset();
  }

  /** A message for whoever has subscribed to the channel; returns to how many it went. */
  publish(channel: string, message: string): number {
    return this.pubsub.publish(channel, message);
  }

  /** Told when a client is gone. */
  readonly onClosed: ((client: Client) => void)[] = [];

  /** What comes now is measured from here, and happens at this time of day, which is returned. */
  private beginLaps(): number {
    const began = this.clock();
    const now = this.wallClock.at(began);
    this.lapBegan = began;
    this.keyspace.setNow(now);
    return now;
  }

  /** Milliseconds since the last lap: one reading of the clock for each command of a batch, and one for the batch. */
  lap(): number {
    const now = this.clock();
    const took = now - this.lapBegan;
    this.lapBegan = now;
    return took;
  }

  // ---- serving ---------------------------------------------------------------------------------------------------------

  listen(host: string, port: number): void {
    const qd = this.os.socket("tcp", { family: host.includes(":") ? 6 : 4 });
    try {
      this.os.bind(qd, { host, port });
      this.os.listen(qd, this.config.tcpBacklog);
    } catch (error) {
      this.os.close(qd);
      throw error;
    }
    this.listeners.push(qd);
    this.os.accept(qd);
  }

  /** Those there are, which are no more the server's own. */
  takeListeners(): QueueDescriptor[] {
    const taken = this.listeners;
    this.listeners = [];
    return taken;
  }

  giveListeners(listeners: QueueDescriptor[]): void {
    this.listeners = listeners;
  }

  closeListeners(): void {
    for (const qd of this.takeListeners()) this.os.close(qd);
  }

  /** Serves until stop(). */
  run(): Promise<void> {
    this.cron.start();
    this.statistics.start();
    return this.os.run(this.onCompletion).finally(() => {
      this.cron.stop();
      this.statistics.stop();
    });
  }

  stop(): void {
    this.os.stop();
  }

  /** Why a command of a client may not run now; undefined: it may. What is asked of every command is asked in a few comparisons. */
  refusal(client: Client, command: Command, args: Args): string | undefined {
    if (command.isDebug) {
      const why = checkDebug(this, client);
      if (why !== undefined) return why;
    }
    if (client.user === undefined || !client.user.isUnlimited) {
      const why = this.acl.check(client, command, args);
      if (why !== undefined) return why;
    }
    if (this.memory.isLimited) {
      const why = this.memory.refusal(client, command, args);
      if (why !== undefined) return why;
    }
    return client.subscriptions === undefined ? undefined : this.pubsub.check(client, command);
  }

  private readonly onCompletion = (event: Completion): void => {
    if (event.opcode === Opcode.POP) this.onPop(event.qd, event.result, event.sga);
    else if (event.opcode === Opcode.PUSH) this.onPush(event.qd, event.result);
    else if (event.opcode === Opcode.ACCEPT) this.onAccept(event.qd, event.result, event.newQd);
  };

  private onAccept(listener: QueueDescriptor, result: number, qd: QueueDescriptor): void {
    if (!this.listeners.includes(listener)) {
      // It was closed while this was under way.
      if (result >= 0) this.os.close(qd);
      return;
    }
    if (result < 0) {
      setTimeout(
        () => this.os.closed || !this.listeners.includes(listener) || this.os.accept(listener),
        ACCEPT_PAUSE,
      ).unref();
      return;
    }
    this.os.accept(listener);
    this.connections++;
    const client = this.newClient(qd);
    if (client === undefined) return;
    if (this.clients.size >= this.config.maxclients) {
      this.statistics.rejectedConnections++;
      this.reject(client, "ERR max number of clients reached");
      return;
    }
    client.user = this.acl.newcomer();
    this.keepAlive(qd);
    this.clients.set(qd, client);
    this.os.pop(qd);
  }

  /** Undefined: it has gone already. */
  private newClient(qd: QueueDescriptor): Client | undefined {
    try {
      const peer = addressText(this.os.getpeername(qd));
      return new Client(this.nextId++, this.os, qd, peer, addressText(this.os.getsockname(qd)));
    } catch (error) {
      if (!(error instanceof DemiError)) throw error;
      this.os.close(qd);
      return undefined;
    }
  }

  /** The kernel's own times: a backend has a switch, and no seconds. */
  private keepAlive(qd: QueueDescriptor): void {
    if (this.config.tcpKeepalive === 0) return;
    try {
      this.os.setsockopt(qd, "keepalive", true);
    } catch {
      // A backend without it: timeout is left.
    }
  }

  private reject(client: Client, why: string): void {
    client.isLeaving = true;
    this.clients.set(client.qd, client);
    const text = Buffer.from(`-${why}\r\n`);
    client.output.send(text, text.length);
    if (client.output.isIdle) this.close(client);
  }

  private onPush(qd: QueueDescriptor, result: number): void {
    const client = this.clients.get(qd);
    if (client === undefined) return;
    client.output.ended(result);
    this.statistics.writes++;
    if (result > 0) this.statistics.outputBytes += result;
    if (client.output.isBroken || (client.isLeaving && client.output.isIdle)) this.close(client);
  }

  private onPop(qd: QueueDescriptor, result: number, sga: Sga): void {
    const client = this.clients.get(qd);
    if (result <= 0 || client === undefined) {
      if (sga !== 0) this.os.free(sga);
      if (client !== undefined) this.close(client);
      return;
    }
    const { os } = this;
    // Mostly one piece, which is read where it lies.
    const whole = os.sga.segments(sga) === 1;
    const view = whole ? withWords(os.sga.view(sga)) : os.sga.copy(sga);
    const at = whole ? os.sga.offset(sga) : 0;
    this.statistics.reads++;
    this.statistics.inputBytes += result;
    const now = this.beginLaps();
    client.lastSeen = now;
    if (client.filled === 0 && client.blocked === undefined && !client.isLeaving) {
      // The usual: whole requests, read where they lie.
      this.batch = result;
      this.parser.begin(view, at);
      const end = at + result;
      this.serve(client, this.parser, end);
      const done = this.parser.isWithin ? this.begunAt : this.parser.position;
      if (done < end && !client.isClosed) this.keep(client, view, done, end);
    } else {
      this.append(client, view, at, result);
      this.serveKept(client);
    }
    os.free(sga);
    if (!client.isClosed) os.pop(qd, client.nextPop(result));
  }

  /** Bytes that came together with what is being run: CLIENT LIST. */
  batch = 0;

  /** Where the request that the parser is within begins. */
  private begunAt = 0;

  /** Runs requests until there is no whole one; replies are sent. */
  private serve(client: Client, parser: RequestParser, end: number): void {
    const { reply } = this.call;
    this.current = client;
    reply.resp = client.resp;
    // One that has begun is at the start of what was kept.
    this.begunAt = parser.isWithin ? 0 : parser.position;
    this.ahead.begin();
    while (client.blocked === undefined && !client.isLeaving) {
      if (!parser.isWithin) this.ahead.look(this.keyspace.dbs[client.db].dict, parser.args.bytes, parser.position, end);
      const found = parser.next(end, this.config.protoMaxBulkLen, client.user !== undefined);
      if (found === Found.NOTHING) break;
      if (found === Found.ERROR) {
        reply.error(parser.error);
        client.isLeaving = true;
        break;
      }
      this.begunAt = parser.position;
      this.processed++;
      if (client.replies === "on") {
        dispatch(this, client, parser.take());
      } else {
        this.quietly(client, parser.take());
      }
      if (reply.length >= SENT_BEFORE) this.flush(client);
    }
    if (this.tracker.hasBroadcasts) this.tracker.broadcast();
    if (this.config.maxmemoryClients !== 0) this.limits.account(client);
    this.flush(client);
    this.current = undefined;
  }

  private quietly(client: Client, args: Args): void {
    const { reply } = this.call;
    // What it is told of while its replies are thrown away comes behind those before.
    if (reply.length !== 0) this.send(client, reply);
    reply.reset();
    const mark = reply.mark();
    const skips = client.replies === "skipping";
    dispatch(this, client, args);
    // CLIENT REPLY ON is answered.
    if ((client.replies as string) !== "on") reply.rewind(mark);
    if (client.replies === "skip") client.replies = "skipping";
    else if (skips && client.replies === "skipping" && client.blocked === undefined) client.replies = "on";
  }

  private flush(client: Client): void {
    const { reply } = this.call;
    if (reply.length !== 0) this.send(client, reply);
    reply.reset();
    if (client.isLeaving && client.output.isIdle && !client.isClosed) this.close(client);
  }

  /** Runs what replies to a client that is not being served: one that was blocked, and is no more when `body` returns true. */
  private as(client: Client, body: () => boolean): void {
    const { call, current } = this;
    const { client: calling, db, args, command, reply } = call;
    // The replies of who is being served stay as they are: CLIENT REPLY may yet take them back.
    const own = reply === this.other ? new Reply(reply.codes) : this.other;
    own.resp = client.resp;
    this.current = client;
    call.client = client;
    call.db = this.keyspace.dbs[client.db];
    call.reply = own;
    const served = body();
    Object.assign(call, { client: calling, db, args, command, reply });
    this.current = current;
    if (own.length !== 0 && client.replies === "on") this.send(client, own);
    own.reset();
    if (!served) return;
    if (client.replies === "skipping") client.replies = "on";
    if (client.isLeaving && client.output.isIdle) this.close(client);
    else if (client.filled !== 0) setImmediate(() => this.serveKept(client));
  }
  private readonly other = new Reply(this.call.reply.codes);

  /** Writes something for a client out of order, before or after its replies as it happens. */
  tell(client: Client, write: (reply: Reply) => void): void {
    if (client.isClosed) return;
    const { reply } = this.call;
    // Messages are no replies: CLIENT REPLY does not take them back.
    if (client === this.current && client.replies === "on") return write(reply);
    this.aside.resp = client.resp;
    write(this.aside);
    this.send(client, this.aside);
    this.aside.reset();
  }
  private readonly aside = new Reply(this.call.reply.codes);

  private send(client: Client, reply: Reply): void {
    client.output.send(reply.bytes, reply.length);
    if (client.output.pending > UNCOUNTED_OUTPUT) this.limits.afterSend(client);
  }

  // ---- requests that are not whole ---------------------------------------------------------------------------------------

  private keep(client: Client, bytes: Uint8Array, from: number, end: number): void {
    this.roomFor(client, end - from, this.parser.needs - from);
    const query = client.query as Buffer;
    query.set(bytes.subarray(from, end), 0);
    client.filled = end - from;
    client.parser.begin(query, 0);
    if (this.parser.isWithin) client.parser.resume(this.parser, query, from);
  }

  private append(client: Client, bytes: Uint8Array, at: number, length: number): void {
    this.roomFor(client, client.filled + length, client.parser.isWithin ? client.parser.needs : 0);
    (client.query as Buffer).set(bytes.subarray(at, at + length), client.filled);
    client.filled += length;
    if (client.filled > this.config.clientQueryBufferLimit) this.close(client);
    else if (this.config.maxmemoryClients !== 0) this.limits.account(client);
  }

  /** For bytes that are there, and some of those that are announced: ten thousand clients may announce what they never send. */
  private roomFor(client: Client, bytes: number, announced: number): void {
    const had = client.query;
    if (had !== undefined && had.length >= bytes) return;
    const ahead = Math.min(announced, Math.max(bytes * 2, MOST_AHEAD));
    // Twice what there was: a request of many small arguments announces none of them, and is not to be copied whenever some have come.
    const wanted = Math.max(bytes, ahead, had === undefined ? LEAST_QUERY : had.length * 2);
    const larger = withWords(Buffer.allocUnsafeSlow(wanted));
    if (had !== undefined) had.copy(larger, 0, 0, client.filled);
    client.query = larger;
    client.parser.args.move(larger, 0);
  }

  private serveKept(client: Client): void {
    if (client.isClosed || client.blocked !== undefined || client.filled === 0) return;
    const { parser } = client;
    this.batch = client.filled;
    this.beginLaps();
    if (!parser.isWithin) parser.begin(client.query as Buffer, 0);
    this.serve(client, parser, client.filled);
    if (client.isClosed) return;
    const done = parser.isWithin ? this.begunAt : parser.position;
    if (done === client.filled) {
      client.filled = 0;
      client.query = undefined;
      parser.begin(NOTHING, 0);
    } else if (done !== 0) {
      const query = client.query as Buffer;
      query.copyWithin(0, done, client.filled);
      client.filled -= done;
      if (parser.isWithin) parser.resume(parser, query, done);
      else parser.begin(query, 0);
    }
  }

  // ---- the end -------------------------------------------------------------------------------------------------------------

  close(client: Client): void {
    if (client.isClosed) return;
    client.isClosed = true;
    this.blocking.forget(client);
    this.watches.unwatchAll(client);
    this.clients.delete(client.qd);
    for (const told of this.onClosed) told(client);
    this.os.close(client.qd);
  }

  clientById(id: number): Client | undefined {
    for (const client of this.clients.values()) if (client.id === id) return client;
    return undefined;
  }

  /** The client is left when what was written for it is sent. */
  leave(client: Client): void {
    client.isLeaving = true;
    if (client !== this.current && client.output.isIdle) this.close(client);
  }
}

const NOTHING = Buffer.alloc(0);

function addressText({ host, port }: { host: string; port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
