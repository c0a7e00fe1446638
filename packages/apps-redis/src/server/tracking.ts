/** Client-side caching: who is told when a key that he has read is changed (Redis: tracking.c). */
import type { Command } from "../commands/command.js";
import { keysOf } from "../commands/keys-of.js";
import type { Db } from "../keyspace/db.js";
import type { ChangeListener } from "../keyspace/keyspace.js";
import { readLatin1 } from "../memory/latin1.js";
import type { Args } from "../protocol/args.js";
import type { Client } from "./client.js";
import { PubSub } from "./pubsub.js";
import type { Server } from "./server.js";

export interface Tracking {
  /** The client that is told instead; 0: itself. */
  redirect: number;
  /** That client is gone. */
  isBroken: boolean;
  isBroadcast: boolean;
  isOptIn: boolean;
  isOptOut: boolean;
  noLoop: boolean;
  /** CLIENT CACHING, for the next command. */
  isCaching: boolean;
  /** With BCAST: keys that begin with one of these. */
  prefixes: string[];
  /** Of all of them. */
  prefixBytes: number;
}

/** Keys forgotten after one command at most, when there are too many. */
const FORGOTTEN_AT_ONCE = 100;
const CHANNEL = "__redis__:invalidate";

export class Tracker implements ChangeListener {
  /** Clients by number, of every key that they have read; keys of all databases. */
  private readonly table = new Map<string, Set<number>>();
  /** How many clients all keys have. */
  items = 0;
  private readonly clients = new Map<number, Client>();
  /** With BCAST: who wants keys of a prefix, and those that changed, with who changed them. */
  private readonly prefixes = new Map<string, { clients: Set<Client>; changed: Map<string, Client | undefined> }>();
  private hasChanged = false;
  /** The request that emptied a database last. */
  private emptiedBy = -1;
  /** Keys that the client changed whose command runs: it is told behind the reply. `null`: all. */
  private pending: (string | null)[] = [];

  constructor(private readonly server: Server) {}

  get keys(): number {
    return this.table.size;
  }

  get prefixCount(): number {
    return this.prefixes.size;
  }

  begin(client: Client, wanted: Omit<Tracking, "prefixBytes">): void {
    const had = client.tracking;
    const all = wanted.isBroadcast && wanted.prefixes.length === 0 ? [""] : wanted.prefixes;
    const prefixes = [...(had?.prefixes ?? []), ...all.filter((one) => !had?.prefixes.includes(one))];
    client.tracking = { ...wanted, prefixes, prefixBytes: prefixes.reduce((sum, { length }) => sum + length, 0) };
    if (this.clients.size === 0) this.server.keyspace.listen(this);
    this.clients.set(client.id, client);
    for (const prefix of client.tracking.prefixes) {
      const entry = this.prefixes.get(prefix);
      if (entry === undefined) this.prefixes.set(prefix, { clients: new Set([client]), changed: new Map() });
      else entry.clients.add(client);
    }
  }

  /** Its keys stay in the table until they change. */
  forget(client: Client): void {
    if (client.tracking === undefined) return;
    for (const prefix of client.tracking.prefixes) {
      const entry = this.prefixes.get(prefix);
      entry?.clients.delete(client);
      if (entry?.clients.size === 0) this.prefixes.delete(prefix);
    }
    client.tracking = undefined;
    this.clients.delete(client.id);
    if (this.clients.size !== 0) return;
    this.server.keyspace.leave(this);
    this.table.clear();
    this.items = 0;
  }

  /** A client that tracks has run a command: its keys, if it only read them. */
  remember(client: Client, tracking: Tracking, command: Command, args: Args): void {
    const { isBroadcast, isOptIn, isOptOut, isCaching } = tracking;
    if (client.transaction === undefined && command.container?.name !== "client") tracking.isCaching = false;
    // What a script reads is told by itself.
    if (isBroadcast || !command.flags.has("readonly") || command.flags.has("pubsub") || command.runsScript) return;
    if ((isOptIn && !isCaching) || (isOptOut && isCaching)) return;
    for (const { index } of keysOf(command, args) ?? []) this.add(client, args.text(index));
    this.limit();
  }

  /** A script of a client that tracks has read something: the keys that the script was given. */
  rememberScript(client: Client, tracking: Tracking, args: Args): void {
    const { isBroadcast, isOptIn, isOptOut, isCaching } = tracking;
    if (isBroadcast || (isOptIn && !isCaching) || (isOptOut && isCaching)) return;
    const keys = args.safeInteger(2) ?? 0;
    for (let i = 3; i < 3 + keys && i < args.count; i++) this.add(client, args.text(i));
    this.limit();
  }

  private add(client: Client, key: string): void {
    const ids = this.table.get(key);
    if (ids === undefined) this.table.set(key, new Set([client.id]));
    else if (ids.has(client.id)) return;
    else ids.add(client.id);
    this.items++;
  }

  /** tracking-table-max-keys: whose key is forgotten is told as if it had changed. */
  readonly limit = (): void => {
    const most = this.server.config.trackingTableMaxKeys;
    if (most === 0 || this.table.size <= most) return;
    let left = FORGOTTEN_AT_ONCE;
    for (const key of this.table.keys()) {
      if (this.table.size <= most || left-- === 0) return;
      this.invalidate(key);
    }
  };

  // ---- told by the keyspace --------------------------------------------------------------------------------------------

  changed(_db: Db, bytes: Uint8Array, at: number, length: number, isOwn: boolean): void {
    if (this.prefixes.size === 0 && this.table.size === 0) return;
    const key = readLatin1(bytes, at, at + length);
    if (this.prefixes.size !== 0) this.toBroadcast(key, isOwn ? this.server.current : undefined);
    this.invalidate(key);
  }

  /** SWAPDB tells nobody, as in Redis. */
  emptied(_db: Db, by?: Db): void {
    // FLUSHALL empties all databases: it is told once.
    if (by !== undefined || this.emptiedBy === this.server.processed) return;
    this.emptiedBy = this.server.processed;
    for (const client of this.clients.values()) {
      if (client === this.server.current) this.pending.push(null);
      else this.send(client, null);
    }
    this.table.clear();
    this.items = 0;
  }

  private invalidate(key: string): void {
    const ids = this.table.get(key);
    if (ids === undefined) return;
    this.table.delete(key);
    this.items -= ids.size;
    for (const id of ids) {
      const client = this.clients.get(id);
      if (client?.tracking === undefined || client.tracking.isBroadcast) continue;
      const isOwn = client === this.server.current;
      if (isOwn && client.tracking.noLoop) continue;
      // The table forgets a key when it tells of it, so the own command is not over.
      if (isOwn && client.tracking.redirect === 0) this.pending.push(key);
      else this.send(client, [key]);
    }
  }

  // ---- telling ---------------------------------------------------------------------------------------------------------

  get hasPending(): boolean {
    return this.pending.length !== 0;
  }

  /** The command is over: what it changed of its own client's. */
  sendPending(client: Client): void {
    const all = this.pending;
    this.pending = [];
    for (const key of all) if (client.tracking !== undefined) this.send(client, key === null ? null : [key]);
  }

  private toBroadcast(key: string, by: Client | undefined): void {
    for (const [prefix, { changed }] of this.prefixes) {
      if (!key.startsWith(prefix)) continue;
      changed.set(key, by);
      if (this.hasChanged) continue;
      this.hasChanged = true;
      if (this.server.current === undefined) setImmediate(() => this.broadcast());
    }
  }

  get hasBroadcasts(): boolean {
    return this.hasChanged;
  }

  /** Once for all that was changed together. */
  broadcast(): void {
    this.hasChanged = false;
    for (const { clients, changed } of this.prefixes.values()) {
      if (changed.size === 0) continue;
      const all = [...changed.keys()];
      for (const client of clients) {
        const keys = client.tracking?.noLoop ? all.filter((key) => changed.get(key) !== client) : all;
        if (keys.length !== 0) this.send(client, keys);
      }
      changed.clear();
    }
  }

  /** `keys`: null for all. */
  private send(client: Client, keys: readonly string[] | null): void {
    const { server } = this;
    const tracking = client.tracking as Tracking;
    let to = client;
    if (tracking.redirect !== 0) {
      const found = server.clientById(tracking.redirect);
      if (found === undefined) return this.breakRedirection(client, tracking);
      to = found;
    }
    if (to.resp === 2 && (to === client || !PubSub.isSubscriber(to))) return;
    server.tell(to, (reply) => {
      reply.push(to.resp === 3 ? 2 : 3);
      reply.text(to.resp === 3 ? "invalidate" : "message");
      if (to.resp === 2) reply.text(CHANNEL);
      if (keys === null) reply.null();
      else reply.texts(keys);
    });
  }

  private breakRedirection(client: Client, tracking: Tracking): void {
    tracking.isBroken = true;
    if (client.resp !== 3) return;
    this.server.tell(client, (reply) => {
      reply.push(2);
      reply.text("tracking-redir-broken");
      reply.integer(tracking.redirect);
    });
  }
}
