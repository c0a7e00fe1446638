/** CLIENT PAUSE, FAILOVER, and an end that waits for replicas: what clients send waits, all of it or what writes. */
import type { Command } from "../commands/command.js";
import type { Args } from "../protocol/args.js";
import { ScriptFlag } from "../scripting/flags.js";
import type { Client } from "./client.js";
import { dispatch } from "./dispatch.js";
import type { Server } from "./server.js";

/** Each has its own pause: CLIENT UNPAUSE is no end of another's. */
export type PausedBy = "client" | "failover" | "shutdown";

interface One {
  end: number;
  onlyWrites: boolean;
}

export class Pause {
  isOn = false;
  private readonly all = new Map<PausedBy, One>();
  /** Only what writes waits. */
  private onlyWrites = false;
  private timer: NodeJS.Timeout | undefined;
  private readonly waiting = new Map<Client, Args>();

  constructor(private readonly server: Server) {}

  forget(client: Client): void {
    this.waiting.delete(client);
  }

  /** A pause within one of the same kind makes neither shorter nor milder. */
  begin(by: PausedBy, milliseconds: number, onlyWrites: boolean): void {
    const one = this.all.get(by) ?? { end: 0, onlyWrites };
    one.onlyWrites &&= onlyWrites;
    one.end = Math.max(one.end, Date.now() + milliseconds);
    this.all.set(by, one);
    this.judge();
  }

  stop(by: PausedBy): void {
    if (this.all.delete(by)) this.judge();
  }

  /** The server ends: there is nobody any more whose command may run. */
  beginEnd(): void {
    this.isEnding = this.isOn = true;
    this.onlyWrites = false;
    clearTimeout(this.timer);
  }
  private isEnding = false;

  /** What comes of all pauses together: the strictest, until the last of its kind is over. */
  private judge(): void {
    if (this.isEnding) return;
    clearTimeout(this.timer);
    const now = Date.now();
    for (const [by, { end }] of this.all) if (end <= now) this.all.delete(by);
    const { isOn, onlyWrites } = this;
    const pauses = [...this.all.values()];
    this.isOn = pauses.length !== 0;
    this.onlyWrites = pauses.every((one) => one.onlyWrites);
    this.server.keyspace.keepsExpired = this.isOn || this.server.replication.master !== undefined;
    if (this.isOn) {
      const end = Math.max(...pauses.filter((one) => one.onlyWrites === this.onlyWrites).map((one) => one.end));
      this.timer = setTimeout(() => this.judge(), Math.min(end - now, 0x7fffffff)).unref();
    }
    if (isOn && (!this.isOn || (this.onlyWrites && !onlyWrites))) this.goOn();
  }

  /** What waits is tried again: it may have to wait for another pause. */
  private goOn(): void {
    const { server } = this;
    const all = [...this.waiting];
    this.waiting.clear();
    for (const [client, args] of all) {
      server.blocking.unblock(client, () => dispatch(server, client, args));
    }
    // What they have changed is told, and is nothing that the command did which has let them go on.
    server.propagation.instead(0);
  }

  /** Keeps the command for later if it may not run now. */
  postpone(client: Client, command: Command, args: Args): boolean {
    // What a replica says changes nothing.
    if (client.replica !== undefined) return false;
    if (this.onlyWrites && !writes(this.server, client, command, args)) return false;
    this.waiting.set(client, args.copy());
    const wait = { db: client.db, keys: [], serve: () => false, expire: () => {} };
    this.server.blocking.block(client, wait, 0);
    return true;
  }

  isPostponed(client: Client): boolean {
    return this.waiting.has(client);
  }
}

const writes = (server: Server, client: Client, command: Command, args: Args): boolean => {
  const script = command.runsScript ? server.scripting.flagsOf(command, args) : undefined;
  if (script !== undefined) return (script & ScriptFlag.NO_WRITES) === 0;
  if (command.isWrite || command.flags.has("may_replicate")) return true;
  const queued = command.name === "exec" ? client.transaction?.queued : undefined;
  return queued?.some((one) => writes(server, client, one.command, one.args)) ?? false;
};
