/** Who looks at commands that have run: MONITOR, SLOWLOG and LATENCY. One call per command, which costs two comparisons. */
import type { Command } from "../commands/command.js";
import type { Args } from "../protocol/args.js";
import type { Client } from "./client.js";
import type { Server } from "./server.js";

/** Of one command that took long. */
export interface SlowCommand {
  id: number;
  /** Seconds since 1970. */
  time: number;
  microseconds: number;
  args: string[];
  address: string;
  name: string;
}

const MOST_ARGUMENTS = 32;
const MOST_BYTES = 128;
export const REDACTED = "(redacted)";

export class Observer {
  readonly monitors = new Set<Client>();
  /** By their numbers, the oldest first. */
  readonly slow = new Map<number, SlowCommand>();
  /** Arguments of the command that runs which are not shown. */
  readonly redacted = new Set<number>();
  private nextId = 0;

  constructor(private readonly server: Server) {}

  observe(client: Client, command: Command, args: Args, took: number): void {
    const { slowlogLogSlowerThan, latencyMonitorThreshold } = this.server.config;
    // Who waits is told of when it is served.
    if (slowlogLogSlowerThan >= 0 && took * 1000 >= slowlogLogSlowerThan && client.blocked === undefined)
      this.addSlow(client, command, args, took);
    if (latencyMonitorThreshold > 0 && took >= latencyMonitorThreshold) {
      this.server.latency.add(command.flags.has("fast") ? "fast-command" : "command", took);
    }
    if (this.monitors.size !== 0) this.feed(client, command, args);
    if (this.redacted.size !== 0) this.redacted.clear();
  }

  /** As observe(), of the second half of a command that has waited. */
  observeUnblocked(client: Client, command: Command, args: Args | undefined, took: number): void {
    const { slowlogLogSlowerThan, latencyMonitorThreshold } = this.server.config;
    if (args !== undefined && slowlogLogSlowerThan >= 0 && took * 1000 >= slowlogLogSlowerThan)
      this.addSlow(client, command, args, took);
    if (latencyMonitorThreshold > 0 && took >= latencyMonitorThreshold)
      this.server.latency.add("command-unblocking", took);
  }

  private addSlow(client: Client, command: Command, args: Args, took: number): void {
    if (command.flags.has("skip_slowlog")) return;
    const shown = args.count > MOST_ARGUMENTS ? MOST_ARGUMENTS - 1 : args.count;
    const texts: string[] = [];
    for (let i = 0; i < shown; i++) texts.push(this.redacted.has(i) ? REDACTED : shortened(args.text(i)));
    if (shown !== args.count) texts.push(`... (${args.count - shown} more arguments)`);
    const id = this.nextId++;
    this.slow.set(id, {
      id,
      time: Math.floor(Date.now() / 1000),
      microseconds: Math.round(took * 1000),
      args: texts,
      address: client.address,
      name: client.name,
    });
    this.trimSlow();
  }

  /** To slowlog-max-len. */
  trimSlow(): void {
    const { slowlogMaxLen } = this.server.config;
    for (const id of this.slow.keys()) {
      if (this.slow.size <= slowlogMaxLen) return;
      this.slow.delete(id);
    }
  }

  /** A script is about to run: MONITOR tells it before its commands. */
  feedScript(client: Client, args: Args): void {
    if (this.monitors.size !== 0) this.tellMonitors(client, args);
  }

  private feed(client: Client, command: Command, args: Args): void {
    if (command.flags.has("skip_monitor") || command.flags.has("admin")) return;
    this.tellMonitors(client, args);
  }

  private tellMonitors(client: Client, args: Args): void {
    const now = (performance.timeOrigin + performance.now()) / 1000;
    let line = `${now.toFixed(6)} [${client.db} ${client.address}]`;
    for (let i = 0; i < args.count; i++) line += ` ${represented(this.redacted.has(i) ? REDACTED : args.text(i))}`;
    for (const monitor of this.monitors) this.server.tell(monitor, (reply) => reply.status(line));
  }

  forget(client: Client): void {
    this.monitors.delete(client);
    client.isMonitor = false;
  }
}

function shortened(text: string): string {
  if (text.length <= MOST_BYTES) return text;
  return `${text.slice(0, MOST_BYTES)}... (${text.length - MOST_BYTES} more bytes)`;
}

const ESCAPES: Record<string, string> = {
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\x07": "\\a",
  "\b": "\\b",
  "\\": "\\\\",
  '"': '\\"',
};

/** In quotes, as sdscatrepr writes it. */
export function represented(text: string): string {
  const shown = text.replace(
    /[^ !#-[\]-~]/g,
    (c) => ESCAPES[c] ?? `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `"${shown}"`;
}
