/** The server: what it is made of, whether a command may run, and how replies go to whoever they are for. */
import { type Completion, type LibOS, Opcode, type QueueDescriptor } from "@demikernel/core";
import { Acl } from "../acl/acl.js";
import { Aof } from "../aof/aof.js";
import { Gate } from "../aof/gate.js";
import { Rewriting } from "../aof/rewriting.js";
import type { Command } from "../commands/command.js";
import { commandTable } from "../commands/index.js";
import { checkProtected } from "../commands/server/protected-commands.js";
import type { Config } from "../config/config.js";
import { ActiveExpiry } from "../keyspace/active-expiry.js";
import { Evictor } from "../keyspace/eviction.js";
import { Keyspace } from "../keyspace/keyspace.js";
import type { Heap } from "../memory/heap.js";
import { Loading } from "../persistence/loading.js";
import { RdbSaver } from "../persistence/rdb-saver.js";
import { refusalOfFiles } from "../persistence/refusals.js";
import { Shutdown } from "../persistence/shutdown.js";
import { Propagation } from "../propagation/propagation.js";
import type { Args } from "../protocol/args.js";
import { Reply } from "../protocol/reply.js";
import { refusalOfReplication } from "../replication/refusals.js";
import { Replication } from "../replication/replication.js";
import type { Libraries } from "../scripting/libraries.js";
import { Scripting } from "../scripting/scripting.js";
import { Snapshots } from "../snapshot/snapshots.js";
import { Blocking } from "./blocking.js";
import { Call } from "./call.js";
import type { Client } from "./client.js";
import { Cron } from "./cron.js";
import { runUnblocked } from "./dispatch.js";
import { Latency } from "./latency.js";
import { Limits } from "./limits.js";
import { Listeners } from "./listeners.js";
import { isShortage, Memory } from "./memory.js";
import { Notifications } from "./notifications.js";
import { Observer } from "./observer.js";
import { Pause } from "./pause.js";
import { PubSub } from "./pubsub.js";
import { Requests } from "./requests.js";
import { Statistics } from "./statistics.js";
import { Tracker } from "./tracking.js";
import { WallClock } from "./wall-clock.js";
import { Watches } from "./watches.js";

/** What waits for every client, without a look at its limits: as much as Redis keeps beside the list that it limits. */
const UNCOUNTED_OUTPUT = 16 * 1024;
export class Server {
  readonly keyspace: Keyspace;
  readonly evictor: Evictor;
  readonly activeExpiry: ActiveExpiry;
  readonly propagation = new Propagation();
  readonly snapshots = new Snapshots(this);
  readonly gate: Gate;
  readonly aof: Aof;
  readonly rewriting: Rewriting;
  readonly loading = new Loading();
  readonly cron = new Cron(this);
  readonly scripting = new Scripting(this);
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
  readonly replication: Replication;
  readonly rdb: RdbSaver;
  readonly shutdown = new Shutdown(this);
  readonly statistics = new Statistics(this);
  readonly listeners = new Listeners(this);
  readonly requests = new Requests(this);
  readonly started = Date.now();
  /** Milliseconds of a clock that only goes forward. */
  readonly clock = performance.now.bind(performance);
  readonly wallClock = new WallClock();
  private lapBegan = 0;
  connections = 0;
  processed = 0;
  /** Whose replies are being written. */
  current: Client | undefined;
  /** While commands of a script run: where the reply of who runs it goes. */
  outer: Reply | undefined;
  /** A script has run for long: only what may interrupt it is served. */
  isBusy = false;

  constructor(
    readonly os: LibOS,
    readonly config: Config,
    heap?: Heap,
  ) {
    this.gate = new Gate();
    this.aof = new Aof(this);
    this.rewriting = new Rewriting(this);
    this.keyspace = new Keyspace(config.databases, heap);
    this.keyspace.onExpired = (db, key) => {
      this.propagation.also(db.id, config.lazyfreeLazyExpire ? "UNLINK" : "DEL", key);
      this.notifications.notify("x", "expired", key, db.id);
    };
    this.activeExpiry = new ActiveExpiry(this.keyspace, config);
    this.evictor = new Evictor(this.keyspace, config, (db, key) => {
      this.propagation.also(db.id, config.lazyfreeLazyEviction ? "UNLINK" : "DEL", key);
      this.notifications.notify("e", "evicted", key, db.id);
    });
    this.blocking = new Blocking(
      this.keyspace,
      (client, body) => this.as(client, body),
      (client, wait, serve) => runUnblocked(this, client, wait, serve),
    );
    this.watches = new Watches(this.keyspace);
    config.onChange("notify-keyspace-events", () => {
      this.setNotifications();
      return undefined;
    });
    this.setNotifications();
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
    this.replication = new Replication(this);
    this.rdb = new RdbSaver(this);
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

  /** Libraries of functions: files have their sources. */
  get libraries(): Libraries {
    return this.scripting.libraries;
  }

  private setNotifications(): void {
    const { keyspace, notifications } = this;
    notifications.set(this.config.notifyKeyspaceEvents);
    keyspace.onNew = notifications.has("n") ? (db, key) => notifications.notify("n", "new", key, db.id) : undefined;
  }

  /** What CONFIG RESETSTAT does. */
  resetStatistics(): void {
    this.connections = 0;
    this.processed = 0;
    Object.assign(this.replication, { fullSyncs: 0, partialSyncs: 0, refusedPartialSyncs: 0 });
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
  beginLaps(): number {
    const began = this.clock();
    const now = this.wallClock.at(began);
    this.lapBegan = began;
    this.keyspace.setNow(now);
    return now;
  }

  /** The lap that runs began at this time: what was measured since belongs to it. */
  lapFrom(began: number): void {
    this.lapBegan = began;
  }

  /** Milliseconds since the last lap: one reading of the clock for each command of a batch, and one for the batch. */
  lap(): number {
    const now = this.clock();
    const took = now - this.lapBegan;
    this.lapBegan = now;
    return took;
  }

  // ---- serving ---------------------------------------------------------------------------------------------------------

  /** Serves until stop(). */
  run(): Promise<void> {
    this.cron.start();
    this.statistics.start();
    return this.os.run(this.onCompletion, this.onBatchEnd).finally(() => {
      this.cron.stop();
      this.snapshots.stop();
      this.aof.close();
      this.replication.stop();
      this.shutdown.stop();
      this.statistics.stop();
      if (this.failure !== undefined) throw this.failure;
    });
  }

  /** What comes from now on waits for ever: it would be answered, and there would be nothing of it on the disk. */
  stop(): void {
    this.pause.beginEnd();
    if (this.isBusy) this.scripting.current.end();
    this.aof.drain(() => this.os.stop());
  }

  /** What cannot be gone on with: run() ends, and {@link failure} says why. */
  fail(error: Error): void {
    this.failure ??= error;
    this.os.stop();
  }
  failure: Error | undefined;

  /** Told to whoever looks after the server: something is not as it should be. */
  log(sentence: string): void {
    console.error(`demi-redis: ${sentence}`);
  }

  /** What has come to pass. */
  note(sentence: string): void {
    console.log(`demi-redis: ${sentence}`);
  }

  /** Why a command of a client may not run now; undefined: it may. What is asked of every command is asked in a few comparisons. */
  refusal(client: Client, command: Command, args: Args): string | undefined {
    if (command.isProtected) {
      const why = checkProtected(this, client, command);
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
    if (this.loading.isOn || this.rdb.isRefusing || this.aof.error !== undefined) {
      const why = refusalOfFiles(this, client, command);
      if (why !== undefined) return why;
    }
    if (this.replication.isRestricted) {
      const why = refusalOfReplication(this, client, command, args);
      if (why !== undefined) return why;
    }
    if (this.isBusy && !command.flags.has("allow_busy")) return this.scripting.current.busyError;
    return client.subscriptions === undefined ? undefined : this.pubsub.check(client, command);
  }

  /** What is told of the dataset now is written when the batch ends. */
  isInBatch = false;
  /** Who else has queues of this libOS: told of completions first, true if one was theirs. */
  shared: ((event: Completion) => boolean) | undefined;

  readonly onCompletion = (event: Completion): void => {
    this.isInBatch = true;
    // What the server knows nothing of is of a connection by TLS.
    if (this.shared?.(event)) return;
    if (event.opcode === Opcode.POP) this.requests.onPop(event.qd, event.result, event.sga);
    else if (event.opcode === Opcode.PUSH) this.onPush(event.qd, event.result);
    else if (event.opcode === Opcode.ACCEPT) this.listeners.onAccept(event.qd, event.result, event.newQd);
    else this.replication.link.onConnect(event.qd, event.result);
  };

  private readonly onBatchEnd = (): void => {
    this.isInBatch = false;
    if (this.aof.isOn) this.aof.write();
  };

  private onPush(qd: QueueDescriptor, result: number): void {
    const client = this.clients.get(qd);
    if (client === undefined) {
      if (this.aof.owns(qd)) this.aof.onPush(qd, result);
      else this.replication.link.onPush(qd, result);
      return;
    }
    this.sent(client, result);
  }

  /** Bytes of a client's have left, or a negative errno: no more will. */
  sent(client: Client, result: number): void {
    client.output.ended(result);
    this.statistics.writes++;
    if (result > 0) this.statistics.outputBytes += result;
    if (client.replica !== undefined) this.replication.wentOut(client.replica, result);
    if (client.output.isBroken || (client.isLeaving && client.output.isIdle)) this.close(client);
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
    else if (client.filled !== 0) setImmediate(() => this.requests.serveKept(client));
  }
  private readonly other = new Reply(this.call.reply.codes);

  /** Writes something for a client out of order, before or after its replies as it happens. */
  tell(client: Client, write: (reply: Reply) => void): void {
    if (client.isClosed) return;
    const reply = this.outer ?? this.call.reply;
    // Messages are no replies: CLIENT REPLY does not take them back.
    if (client === this.current && client.replies === "on") return write(reply);
    this.aside.resp = client.resp;
    write(this.aside);
    this.send(client, this.aside);
    this.aside.reset();
  }
  private readonly aside = new Reply(this.call.reply.codes);

  /** Replies, or what is told beside them. */
  send(client: Client, reply: Reply): void {
    this.sendBytes(client, reply.bytes, reply.length);
  }

  /** Latin1 text that is no reply: what servers say to each other. */
  sendText(client: Client, text: string): void {
    const bytes = Buffer.from(text, "latin1");
    this.sendBytes(client, bytes, bytes.length);
  }

  sendBytes(client: Client, bytes: Buffer, length: number): void {
    try {
      client.output.send(bytes, length);
    } catch (error) {
      if (!isShortage(error)) throw error;
      this.limits.drop(client);
    }
    if (client.output.pending > UNCOUNTED_OUTPUT) this.limits.afterSend(client);
  }

  // ---- the end -------------------------------------------------------------------------------------------------------------

  close(client: Client): void {
    if (client.isClosed) return;
    client.isClosed = true;
    client.output.isBroken = true;
    this.blocking.forget(client);
    this.watches.unwatchAll(client);
    this.clients.delete(client.qd);
    for (const told of this.onClosed) told(client);
    client.output.close();
  }

  clientById(id: number): Client | undefined {
    for (const client of this.clients.values()) if (client.id === id) return client;
    return undefined;
  }

  /** The client is left when what was written for it is sent. */
  readonly leave = (client: Client): void => {
    client.isLeaving = true;
    if (client !== this.current && client.output.isIdle) this.close(client);
  };
}
