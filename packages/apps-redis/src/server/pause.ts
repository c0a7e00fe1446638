/** CLIENT PAUSE: what clients send waits, all of it or what writes. */
import type { Command } from "../commands/command.js";
import type { Args } from "../protocol/args.js";
import { ScriptFlag } from "../scripting/flags.js";
import type { Client } from "./client.js";
import { dispatch } from "./dispatch.js";
import type { Server } from "./server.js";

export class Pause {
  isOn = false;
  /** Only what writes waits. */
  private onlyWrites = false;
  private end = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly waiting = new Map<Client, Args>();

  constructor(private readonly server: Server) {}

  forget(client: Client): void {
    this.waiting.delete(client);
  }

  /** "none", "write" or "all", and for how many milliseconds more: INFO. */
  get kind(): string {
    return !this.isOn ? "none" : this.onlyWrites ? "write" : "all";
  }

  get left(): number {
    return this.isOn ? Math.max(0, this.end - Date.now()) : 0;
  }

  /** A pause within a pause makes neither shorter nor milder. */
  begin(milliseconds: number, onlyWrites: boolean): void {
    this.onlyWrites = this.isOn ? this.onlyWrites && onlyWrites : onlyWrites;
    this.end = Math.max(this.isOn ? this.end : 0, Date.now() + milliseconds);
    if (this.isEnding) return;
    this.isOn = this.server.keyspace.keepsExpired = true;
    this.wait();
  }

  /** The server ends: there is nobody any more whose command may run. */
  beginEnd(): void {
    this.isEnding = this.isOn = true;
    this.onlyWrites = false;
    clearTimeout(this.timer);
  }
  private isEnding = false;

  private wait(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(
      () => (Date.now() >= this.end ? this.stop() : this.wait()),
      Math.min(this.end - Date.now(), 0x7fffffff),
    ).unref();
  }

  stop(): void {
    if (!this.isOn || this.isEnding) return;
    clearTimeout(this.timer);
    const { server } = this;
    this.isOn = false;
    server.keyspace.keepsExpired = server.replication.master !== undefined;
    const all = [...this.waiting];
    this.waiting.clear();
    for (const [client, args] of all) {
      server.blocking.unblock(client, () => dispatch(server, client, args));
    }
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
