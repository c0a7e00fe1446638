/**
 * Keys that clients have written to a replica that lets them (replica-read-only no). Its master does not know them, and will not say when their
 * time is over: so they are looked at here (Redis: expireSlaveKeys).
 */
import type { Command } from "../commands/command.js";
import { keysOf } from "../commands/keys-of.js";
import type { Db } from "../keyspace/db.js";
import type { Args } from "../protocol/args.js";
import type { Client } from "../server/client.js";
import type { Server } from "../server/server.js";

/** More are not remembered: they stay until somebody asks for them by a command that writes. */
const MOST = 1_000_000;
/** Keys that are looked at in one go. */
const LOOKED = 1000;

export class OwnKeys {
  private readonly keys = new Map<string, { db: Db; key: string }>();

  constructor(private readonly server: Server) {}

  get count(): number {
    return this.keys.size;
  }

  /** A client's command is about to write, or a transaction. */
  remember(client: Client, command: Command, args: Args): void {
    const db = this.server.keyspace.dbs[client.db];
    this.add(db, command, args);
    if (command.name !== "exec") return;
    for (const one of client.transaction?.queued ?? []) if (one.command.isWrite) this.add(db, one.command, one.args);
  }

  private add(db: Db, command: Command, args: Args): void {
    for (const { index } of keysOf(command, args) ?? []) {
      if (this.keys.size >= MOST) return;
      const key = args.text(index);
      this.keys.set(`${db.id}:${key}`, { db, key });
    }
  }

  clear(): void {
    this.keys.clear();
  }

  /** Those whose time is over go; those that do not expire are forgotten. */
  readonly look = (): void => {
    if (this.keys.size === 0) return;
    const { keyspace } = this.server;
    keyspace.setNow(Date.now());
    let left = LOOKED;
    for (const [name, one] of this.keys) {
      if (left-- === 0) return;
      const { bytes, length } = keyspace.scratch(one.key);
      const ref = one.db.dict.find(bytes, 0, length);
      this.keys.delete(name);
      if (ref === 0 || one.db.expiryOf(ref) === -1) continue;
      if (one.db.isExpired(ref)) one.db.expire(ref);
      else this.keys.set(name, one);
    }
  };
}
