/**
 * Replication, both ways: the history of the dataset (its IDs and the offset of the stream of changes), the replicas that follow it, and the
 * master that it follows itself (Redis: replication.c).
 */
import { randomBytes } from "node:crypto";
import { byName } from "../config/config.js";
import type { Client } from "../server/client.js";
import type { Server } from "../server/server.js";
import { Acknowledgements } from "./acknowledgements.js";
import { Backlog } from "./backlog.js";
import { Failover } from "./failover.js";
import { FullSyncs } from "./full-syncs.js";
import { MasterLink } from "./master-link.js";
import { OwnKeys } from "./own-keys.js";
import { Introduction, Replica } from "./replica.js";
import { Stream } from "./stream.js";
import { tend } from "./tending.js";

export interface Address {
  host: string;
  port: number;
}

export const NO_ID = "0".repeat(40);
const SECOND = 1000;

const newId = (): string => randomBytes(20).toString("hex");

export class Replication {
  /** Of the history; of the one before, up to {@link secondOffset}: what was a replica goes on with its master's. */
  id = newId();
  id2 = NO_ID;
  secondOffset = -1;
  /** Bytes of the stream so far. */
  offset = 0;
  /** Undefined: nobody has ever followed. */
  backlog: Backlog | undefined;
  readonly replicas = new Map<Client, Replica>();
  /** Whom this server follows; undefined: nobody, it is a master. */
  master: Address | undefined;
  readonly stream: Stream;
  readonly syncs: FullSyncs;
  readonly link: MasterLink;
  readonly acknowledgements: Acknowledgements;
  readonly failover: Failover;
  readonly ownKeys: OwnKeys;
  /** The data and their place in the history are from a file: {@link restoreHistory}. */
  isRestored = false;
  /** Some commands may not run now: each is asked about, refusals.ts. */
  isRestricted = false;
  /** Replicas that have said something of late: min-replicas-max-lag. */
  goodReplicas = 0;
  fullSyncs = 0;
  partialSyncs = 0;
  refusedPartialSyncs = 0;
  /** Milliseconds since 1970. */
  noReplicasSince = Date.now();
  /** Told when the dataset was replaced by a master's. */
  readonly onReplaced: (() => void)[] = [];
  /** Since it began. */
  seconds = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly server: Server) {
    const { config } = server;
    this.stream = new Stream(server, this);
    this.syncs = new FullSyncs(server);
    this.link = new MasterLink(server, this);
    this.acknowledgements = new Acknowledgements(server, this);
    this.failover = new Failover(server, this);
    this.ownKeys = new OwnKeys(server);
    server.cron.tasks.push(this.ownKeys.look);
    config.onChange("repl-backlog-size", () => {
      this.backlog?.resize(config.replBacklogSize);
      return undefined;
    });
    for (const name of ["min-replicas-to-write", "min-replicas-max-lag", "replica-ignore-maxmemory"]) {
      config.onChange(name, () => {
        this.judge();
        return undefined;
      });
    }
    server.onClosed.push((client) => this.forget(client));
  }

  start(): void {
    this.timer = setInterval(() => tend(this.server), SECOND).unref();
    const [host, port] = this.server.config.replicaof.split(" ");
    this.judge();
    if (port !== undefined) this.follow({ host, port: Number(port) });
  }

  stop(): void {
    clearInterval(this.timer);
    this.syncs.stop();
    this.failover.stop();
    this.link.stop();
  }

  // ---- what may run ------------------------------------------------------------------------------------------------------

  /** Good replicas are counted anew, and whether commands are to be asked about. */
  judge(): void {
    const { minReplicasMaxLag } = this.server.config;
    const now = Date.now();
    this.goodReplicas = 0;
    for (const { state, ackTime } of this.replicas.values())
      if (state === "online" && Math.floor((now - ackTime) / SECOND) <= minReplicasMaxLag) this.goodReplicas++;
    this.isRestricted = this.master !== undefined || this.lacksReplicas;
    this.server.evictor.ignoresLimit = this.master !== undefined && this.server.config.replicaIgnoreMaxmemory;
    this.server.keyspace.keepsExpired = this.master !== undefined || this.server.pause.isOn;
  }

  get lacksReplicas(): boolean {
    const { minReplicasMaxLag, minReplicasToWrite } = this.server.config;
    return minReplicasToWrite > 0 && minReplicasMaxLag > 0 && this.goodReplicas < minReplicasToWrite;
  }

  /** The master's stream may go on: nobody holds the dataset still, or loads it. */
  get mayApply(): boolean {
    return !this.server.pause.isOn && !this.server.loading.isOn;
  }

  /** What a replica has may be old, and is not to be served: replica-serve-stale-data. */
  get isStale(): boolean {
    return this.master !== undefined && this.link.state !== "connected" && !this.server.config.replicaServeStaleData;
  }

  // ---- history -----------------------------------------------------------------------------------------------------------

  /** Nobody can go on from what was before. */
  changeId(): void {
    this.id = newId();
    this.id2 = NO_ID;
    this.secondOffset = -1;
  }

  /** A new history that goes on from the present one. */
  private shiftId(id: string): void {
    this.stream.flush();
    this.id2 = this.id;
    this.secondOffset = this.offset + 1;
    this.id = id;
  }

  /** From here on what changes is kept for replicas. */
  makeBacklog(): void {
    if (this.backlog !== undefined) return;
    this.backlog = new Backlog(this.offset, this.server.config.replBacklogSize);
    this.noReplicasSince = Date.now();
    this.listen();
  }

  /** What commands do is told to the stream while somebody may want it, and this server is the one who says. */
  private listen(): void {
    const wants = this.backlog !== undefined && this.master === undefined;
    if (wants === this.isListening) return;
    this.isListening = wants;
    if (wants) this.server.propagation.follow(this.stream);
    else this.server.propagation.leave(this.stream);
  }
  private isListening = false;

  freeBacklog(): void {
    if (this.backlog === undefined) return;
    this.stream.flush();
    this.backlog = undefined;
    this.listen();
  }

  /** The database that the stream is in. */
  get streamDb(): number {
    return this.master === undefined ? Math.max(this.stream.db, 0) : this.link.db;
  }

  // ---- replicas ------------------------------------------------------------------------------------------------------------

  introductionOf(client: Client): Introduction {
    client.introduction ??= new Introduction();
    return client.introduction;
  }

  /** A client is a replica from now on. */
  addReplica(client: Client): Replica {
    const replica = new Replica(this.introductionOf(client), client);
    client.replica = replica;
    this.replicas.set(client, replica);
    return replica;
  }

  private forget(client: Client): void {
    this.acknowledgements.forget(client);
    if (client === this.link.client) this.link.lost();
    const { replica } = client;
    if (replica === undefined) return;
    this.replicas.delete(client);
    this.syncs.forget(replica);
    replica.whenGone?.();
    if (this.replicas.size === 0) this.noReplicasSince = Date.now();
    this.judge();
  }

  /** Bytes have gone to a replica. */
  wentOut(replica: Replica, bytes: number): void {
    if (bytes > 0) this.server.statistics.replicationOutputBytes += bytes;
    if (replica.sync !== undefined) this.syncs.progressed(replica);
  }

  /** They are to ask anew where they are. */
  disconnectReplicas(): void {
    this.stream.flush();
    for (const client of [...this.replicas.keys()]) this.server.close(client);
  }

  // ---- the master ------------------------------------------------------------------------------------------------------------

  /** The server is a replica from now on. */
  follow(master: Address): void {
    const { server } = this;
    const wasMaster = this.master === undefined;
    this.stream.flush();
    this.link.cancel();
    server.blocking.disconnectAll(server);
    this.setMaster(master);
    if (wasMaster) {
      // What it has may be the beginning of what the master has.
      this.makeBacklog();
      this.link.isResumable = true;
      if (!this.isRestored) this.link.db = 0;
      this.isRestored = false;
    }
    this.judge();
    this.link.connect();
  }

  /** The server is a master from now on; its replicas can go on from where they are. */
  promote(): void {
    if (this.master === undefined) return;
    this.setMaster(undefined);
    this.link.cancel();
    this.link.isResumable = false;
    this.shiftId(newId());
    this.disconnectReplicas();
    this.stream.db = -1;
    this.noReplicasSince = Date.now();
    this.makeBacklog();
    this.ownKeys.clear();
    this.judge();
  }

  private setMaster(master: Address | undefined): void {
    this.master = master;
    this.listen();
    const words = master === undefined ? ["no", "one"] : [master.host, String(master.port)];
    this.server.config.set(byName("replicaof"), words);
  }

  /** The master goes on from where this server is, under a name of its history. */
  continued(id: string | undefined): void {
    if (id === undefined || id === this.id) return;
    this.shiftId(id);
    // They are to hear of the new name.
    this.disconnectReplicas();
  }

  /** The dataset is about to be the master's: nobody can go on from what this one has. */
  beginReplacing(): void {
    // Until here it is at a place of the history that it had, and can go on from there.
    this.link.isResumable = false;
    this.disconnectReplicas();
    this.freeBacklog();
    this.server.libraries.flush();
    this.ownKeys.clear();
    this.server.keyspace.empty();
  }

  /** It is the master's, at this place of its history. */
  replaced(id: string, offset: number): void {
    this.id = id;
    this.id2 = NO_ID;
    this.secondOffset = -1;
    this.offset = offset;
    this.makeBacklog();
    for (const told of this.onReplaced) told();
  }
}
