/** Keys that clients watch (WATCH): whose key was changed gets no EXEC. */
import type { Db } from "../keyspace/db.js";
import type { ChangeListener, Keyspace } from "../keyspace/keyspace.js";
import { readLatin1 } from "../memory/latin1.js";
import type { Client } from "./client.js";

export class Watches implements ChangeListener {
  /** Of each database, the clients by the key that they watch. */
  private readonly watched: Map<string, Set<Client>>[];
  /** Keys that are watched. */
  private count = 0;

  constructor(private readonly keyspace: Keyspace) {
    this.watched = keyspace.dbs.map(() => new Map());
  }

  /** What has expired already must be deleted before: that is no change. */
  watch(client: Client, db: Db, key: string): void {
    const watched = this.watched[db.id];
    let clients = watched.get(key);
    if (clients === undefined) {
      if (this.count++ === 0) this.keyspace.listen(this);
      clients = new Set();
      watched.set(key, clients);
    } else if (clients.has(client)) {
      return;
    }
    clients.add(client);
    client.watched.push({ db: db.id, key });
    client.watchedBytes += key.length;
  }

  unwatchAll(client: Client): void {
    if (client.watched.length === 0) return;
    for (const { db, key } of client.watched) {
      const clients = this.watched[db].get(key) as Set<Client>;
      clients.delete(client);
      if (clients.size !== 0) continue;
      this.watched[db].delete(key);
      if (--this.count === 0) this.keyspace.leave(this);
    }
    client.watched = [];
    client.watchedBytes = 0;
  }

  /** Deletes what the client watches and has expired: which is a change. */
  expireOf(client: Client): void {
    for (const { db, key } of client.watched.slice()) this.keyspace.dbs[db].findText(key);
  }

  // ---- told by the keyspace --------------------------------------------------------------------------------------------

  changed(db: Db, bytes: Uint8Array, at: number, length: number): void {
    const watched = this.watched[db.id];
    if (watched.size === 0) return;
    const clients = watched.get(readLatin1(bytes, at, at + length));
    if (clients !== undefined) this.touch(clients);
  }

  emptied(db: Db, by?: Db): void {
    for (const [key, clients] of this.watched[db.id])
      if (db.findText(key) !== 0 || (by !== undefined && by.findText(key) !== 0)) this.touch(clients);
  }

  private touch(clients: Set<Client>): void {
    for (const client of clients) {
      client.isDirty = true;
      this.unwatchAll(client);
    }
  }
}
