/** Clients that wait for keys: the one that has waited longest is served first (Redis: blocked.c). */
import type { Db } from "../keyspace/db.js";
import type { Client } from "./client.js";

/** What a client waits for. */
export interface Wait {
  db: number;
  keys: readonly string[];
  /** Tries to serve it, when something has happened to `key`: replies and returns true, or does nothing and returns false. */
  serve(key: string): boolean;
  /** Its time is over: replies. */
  expire(): void;
  timer?: NodeJS.Timeout;
}

export class Blocking {
  /** Clients that wait, of each "db:key" in the order in which they came. */
  private readonly waiting = new Map<string, Set<Client>>();
  private ready = new Set<string>();
  count = 0;

  /** `as`: runs what replies, with the reply going to that client, which is read from again after it. */
  constructor(private readonly as: (client: Client, body: () => boolean) => void) {}

  /** `milliseconds`: 0 for without end. */
  block(client: Client, wait: Wait, milliseconds: number): void {
    client.blocked = wait;
    this.count++;
    for (const key of wait.keys) {
      const name = `${wait.db}:${key}`;
      const clients = this.waiting.get(name);
      if (clients === undefined) this.waiting.set(name, new Set([client]));
      else clients.add(client);
    }
    if (milliseconds > 0) {
      wait.timer = setTimeout(() => this.unblock(client, () => wait.expire()), Math.min(milliseconds, 0x7fffffff));
    }
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
      for (const name of names) {
        for (const client of [...(this.waiting.get(name) ?? [])]) {
          const wait = client.blocked as Wait | undefined;
          if (wait === undefined) continue;
          const key = name.slice(name.indexOf(":") + 1);
          this.as(client, () => {
            const served = wait.serve(key);
            if (served) this.forget(client, wait);
            return served;
          });
        }
      }
    }
  }

  /** It waits no more; `reply` says so to it. */
  unblock(client: Client, reply: () => void): void {
    const wait = client.blocked as Wait | undefined;
    if (wait === undefined) return;
    this.as(client, () => {
      this.forget(client, wait);
      reply();
      return true;
    });
  }

  /** Gone, or served. */
  forget(client: Client, wait = client.blocked as Wait | undefined): void {
    if (wait === undefined) return;
    client.blocked = undefined;
    this.count--;
    clearTimeout(wait.timer);
    for (const key of wait.keys) {
      const name = `${wait.db}:${key}`;
      const clients = this.waiting.get(name);
      clients?.delete(client);
      if (clients?.size === 0) this.waiting.delete(name);
    }
  }
}
