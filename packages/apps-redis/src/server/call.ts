/** A command that runs: what its handler sees. There is one for the server, reused. */
import type { Command } from "../commands/command.js";
import type { Db } from "../keyspace/db.js";
import type { TypeValue } from "../keyspace/types.js";
import type { Ref } from "../memory/heap.js";
import { type Integer, parseInteger } from "../numbers/integers.js";
import type { Args } from "../protocol/args.js";
import type { Reply } from "../protocol/reply.js";
import type { Client } from "./client.js";
import type { Server } from "./server.js";

export const WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value";
export const SYNTAX = "ERR syntax error";
export const NOT_INTEGER = "ERR value is not an integer or out of range";
export const NOT_FLOAT = "ERR value is not a valid float";
export const NO_SUCH_KEY = "ERR no such key";
export const OUT_OF_RANGE = "ERR index out of range";

/** Of {@link Call.read}: an error was replied. */
export const REFUSED = -1;

export class Call {
  client!: Client;
  db!: Db;
  args!: Args;
  command!: Command;

  constructor(
    readonly server: Server,
    /** Another one while somebody else than who sent the command is served. */
    public reply: Reply,
  ) {}

  /** The record of the key that argument `i` is, of this type; 0: there is none. REFUSED: it is of another type, which was replied. */
  read(i: number, type: TypeValue): Ref {
    const { args, db } = this;
    const ref = db.lookup(args.bytes, args.at(i), args.length(i));
    return ref === 0 || db.typeOf(ref) === type ? ref : this.wrongType();
  }

  /** As read(), for who will change it. */
  write(i: number, type: TypeValue): Ref {
    const { args, db } = this;
    const ref = db.lookupWrite(args.bytes, args.at(i), args.length(i));
    return ref === 0 || db.typeOf(ref) === type ? ref : this.wrongType();
  }

  wrongType(): Ref {
    this.reply.error(WRONG_TYPE);
    return REFUSED;
  }

  /** Argument `i` is nobody else's: MONITOR and SLOWLOG do not show it. */
  redact(i: number): void {
    this.server.observer.redacted.add(i);
  }

  syntaxError(): void {
    this.reply.error(SYNTAX);
  }

  /** Argument `i` as a 64-bit integer that a double has exactly; undefined: it is none, which was replied. */
  integer(i: number, error = NOT_INTEGER): number | undefined {
    const value = this.args.safeInteger(i);
    if (value === undefined) this.reply.error(error);
    return value;
  }

  /** As integer(), of all 64-bit integers. */
  long(i: number, error = NOT_INTEGER): Integer | undefined {
    const value = parseInteger(this.args.bytes, this.args.at(i), this.args.length(i));
    if (value === undefined) this.reply.error(error);
    return value;
  }

  /** The value of the key that argument `i` is was changed: watchers, tracking, and with `event` keyspace notifications hear of it. */
  changed(i: number, kind?: string, event?: string): void {
    const { args, db } = this;
    db.changed(args.bytes, args.at(i), args.length(i));
    if (event !== undefined && this.server.notifications.isOn) {
      this.server.notifications.notify(kind as string, event, args.text(i), db.id);
    }
  }

  /** Keyspace notification of a kind ("g", "$", "l", ...: notify-keyspace-events) for a key that argument `i` is. */
  notify(kind: string, event: string, i: number): void {
    if (this.server.notifications.isOn) this.server.notifications.notify(kind, event, this.args.text(i), this.db.id);
  }

  /** Whether a time of expiry is in the past, and the key goes at once: not where that was found elsewhere, which tells of it. */
  isOver(milliseconds: Integer): boolean {
    return milliseconds <= this.db.keyspace.now() && !this.client.isObeyed;
  }

  /** The command is told as the deletion of the key that argument `i` is. */
  toldAsDeleted(i: number, isLazy: boolean): void {
    const { propagation } = this.server;
    if (propagation.isOn)
      propagation
        .insteadOf(this.db.id, 2)
        .text(isLazy ? "UNLINK" : "DEL")
        .argument(this.args, i);
  }

  /** Deletes the key that argument `i` is, if it is there: a value that became empty. */
  removeKey(ref: Ref, i: number): void {
    this.db.delete(ref);
    this.notify("g", "del", i);
  }
}
