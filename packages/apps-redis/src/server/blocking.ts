/** Clients that wait for keys: the one that has waited longest is served first (Redis: blocked.c). */
import type { Db } from "../keyspace/db.js";
import type { Keyspace } from "../keyspace/keyspace.js";
import type { TypeValue } from "../keyspace/types.js";
import type { Args } from "../protocol/args.js";
import type { Client } from "./client.js";
import type { Server } from "./server.js";

/** setTimeout's longest. */
const LONGEST_TIMER = 0x7fffffff;
const CHANGED = "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)";

/** What a client waits for. */
export interface Wait {
  db: number;
  keys: readonly string[];
  /** The command's, for SLOWLOG. */
  args?: Args;
  /** It is served only when the key is there and of this type; without, whatever happens to the key. */
  type?: TypeValue;
  /** Tries to serve it, when something has happened to `key`: replies and returns true, or does nothing and returns false. */
  serve(key: string): boolean;
  /** Its time is over: replies. */
  expire(): void;
  timer?: NodeJS.Timeout;
  /** CLIENT UNBLOCK has no say. */
  isFirm?: boolean;
}

export class Blocking {
  /** Clients that wait, of each "db:key" in the order in which they came. */
  private readonly waiting = new Map<string, Set<Client>>();
  private ready = new Set<string>();
  count = 0;
  /** Of these, who wait for no type. */
  private untyped = 0;

  /**
   * `as`: runs what replies, with the reply going to that client, which is read from again after it. `asItsCommand`: runs what serves it, and
   * counts that to its command.
   */
  constructor(
    private readonly keyspace: Keyspace,
    private readonly as: (client: Client, body: () => boolean) => void,
    private readonly asItsCommand: (client: Client, wait: Wait, serve: () => boolean) => boolean,
  ) {}

  /** Within EXEC nobody waits: a command that would replies as if its time were over. */
  mayBlock(client: Client): boolean {
    return client.transaction === undefined;
  }

  /** `milliseconds`: 0 for without end. */
  block(client: Client, wait: Wait, milliseconds: number): void {
    client.blocked = wait;
    this.counted(wait, 1);
    for (const key of wait.keys) {
      const name = `${wait.db}:${key}`;
      const clients = this.waiting.get(name);
      if (clients === undefined) this.waiting.set(name, new Set([client]));
      else clients.add(client);
    }
    if (milliseconds > 0) this.startTimer(client, wait, milliseconds);
  }

  /** A key was made or got more: who waits for it is served when the command is over. */
  signal(db: Db, key: string): void {
    if (this.waiting.size === 0) return;
    const name = `${db.id}:${key}`;
    if (this.waiting.has(name)) this.ready.add(name);
  }

  /** As signal(), of all keys of a database. */
  signalAll(db: Db): void {
    for (const name of this.waiting.keys()) if (name.startsWith(`${db.id}:`)) this.ready.add(name);
  }

  /** Serves who can be. What that makes ready is served, too. */
  serveReady(): void {
    while (this.ready.size !== 0) {
      const names = this.ready;
      this.ready = new Set();
      for (const name of names) this.serveWaiting(name);
    }
  }

  private serveWaiting(name: string): void {
    const clients = this.waiting.get(name);
    if (clients === undefined) return;
    // What the command before has taken long enough for to expire is not handed out.
    this.keyspace.setNow(Date.now());
    const colon = name.indexOf(":");
    const db = this.keyspace.dbs[Number(name.slice(0, colon))];
    const key = name.slice(colon + 1);
    for (const client of clients) {
      const wait = client.blocked as Wait;
      if (wait.type !== undefined) {
        const ref = db.findText(key);
        // There may be ten thousand who wait, and one element.
        if (ref === 0 && this.untyped === 0) return;
        if (ref === 0 || db.typeOf(ref) !== wait.type) continue;
      }
      this.as(client, () => {
        const served = this.asItsCommand(client, wait, () => wait.serve(key));
        if (served) this.forget(client, wait);
        return served;
      });
    }
  }

  /** It waits no more; `reply` says so to it. */
  unblock(client: Client, reply: () => void): void {
    const wait = client.blocked as Wait | undefined;
    if (wait === undefined) return;
    this.keyspace.setNow(Date.now());
    this.as(client, () => {
      this.forget(client, wait);
      reply();
      return true;
    });
  }

  /** As if its time were over: CLIENT UNBLOCK TIMEOUT. False: it does not wait. */
  expire(client: Client): boolean {
    const wait = client.blocked as Wait | undefined;
    this.unblock(client, () => (wait as Wait).expire());
    return wait !== undefined;
  }

  /** The server is a replica from now on: who waits for writes of others waits for nothing (Redis: disconnectAllBlockedClients). */
  disconnectAll({ call, clients, leave, pause }: Server): void {
    for (const client of [...clients.values()]) {
      if (client.blocked === undefined || pause.isPostponed(client)) continue;
      this.unblock(client, () => call.reply.error(CHANGED));
      leave(client);
    }
  }

  /** Gone, or served. */
  forget(client: Client, wait = client.blocked as Wait | undefined): void {
    if (wait === undefined) return;
    client.blocked = undefined;
    this.counted(wait, -1);
    clearTimeout(wait.timer);
    for (const key of wait.keys) {
      const name = `${wait.db}:${key}`;
      const clients = this.waiting.get(name);
      clients?.delete(client);
      if (clients?.size === 0) this.waiting.delete(name);
    }
  }

  private counted(wait: Wait, one: number): void {
    this.count += one;
    if (wait.type === undefined) this.untyped += one;
  }

  private startTimer(client: Client, wait: Wait, milliseconds: number): void {
    const some = Math.min(milliseconds, LONGEST_TIMER);
    wait.timer = setTimeout(() => {
      if (some < milliseconds) this.startTimer(client, wait, milliseconds - some);
      else this.expire(client);
    }, some);
    wait.timer.unref();
  }
}
