/** Channels, patterns and shard channels, and who has subscribed to them (Redis: pubsub.c). */
import type { Command } from "../commands/command.js";
import { globMatchesText } from "../glob.js";
import type { Reply } from "../protocol/reply.js";
import type { Client } from "./client.js";
import type { Server } from "./server.js";

/** What a client has subscribed to. */
export class Subscriptions {
  readonly channel = new Set<string>();
  readonly pattern = new Set<string>();
  readonly shard = new Set<string>();
  /** Bytes of their names. */
  bytes = 0;
}
export type Kind = "channel" | "pattern" | "shard";

/** What may be sent in RESP2 by who has subscribed. */
const ALLOWED = new Set(
  "ping subscribe ssubscribe unsubscribe sunsubscribe psubscribe punsubscribe quit reset".split(" "),
);

export class PubSub {
  readonly channel = new Map<string, Set<Client>>();
  readonly pattern = new Map<string, Set<Client>>();
  readonly shard = new Map<string, Set<Client>>();

  constructor(private readonly server: Server) {}

  /** Subscriptions that make a RESP2 client one that only listens; those of shards are counted apart. */
  static count(client: Client, kind: Kind = "channel"): number {
    const all = client.subscriptions;
    if (all === undefined) return 0;
    return kind === "shard" ? all.shard.size : all.channel.size + all.pattern.size;
  }

  static isSubscriber({ subscriptions: all }: Client): boolean {
    return all !== undefined && all.channel.size + all.pattern.size + all.shard.size !== 0;
  }

  check(client: Client, command: Command): string | undefined {
    if (client.subscriptions === undefined || client.resp !== 2 || ALLOWED.has(command.name)) return undefined;
    if (!PubSub.isSubscriber(client)) return undefined;
    return (
      `ERR Can't execute '${command.fullName}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / ` +
      "PING / QUIT / RESET are allowed in this context"
    );
  }

  subscribe(client: Client, kind: Kind, name: string): void {
    client.subscriptions ??= new Subscriptions();
    const { subscriptions } = client;
    if (!subscriptions[kind].has(name)) subscriptions.bytes += name.length;
    subscriptions[kind].add(name);
    const clients = this[kind].get(name);
    if (clients === undefined) this[kind].set(name, new Set([client]));
    else clients.add(client);
  }

  unsubscribe(client: Client, kind: Kind, name: string): void {
    const { subscriptions } = client;
    if (subscriptions?.[kind].delete(name)) subscriptions.bytes -= name.length;
    const clients = this[kind].get(name);
    clients?.delete(client);
    if (clients?.size === 0) this[kind].delete(name);
  }

  /** The client is gone, or was reset. */
  forget(client: Client): void {
    if (client.subscriptions === undefined) return;
    for (const kind of ["channel", "pattern", "shard"] as const)
      for (const name of [...client.subscriptions[kind]]) this.unsubscribe(client, kind, name);
    client.subscriptions = undefined;
  }

  /** Returns how many clients it went to. */
  publish(channel: string, message: string): number {
    let receivers = this.deliver(this.channel.get(channel), "message", channel, message);
    for (const [pattern, clients] of this.pattern) {
      if (!globMatchesText(pattern, channel)) continue;
      for (const client of clients) {
        this.server.tell(client, (reply) => {
          reply.push(4);
          reply.text("pmessage");
          reply.text(pattern);
          reply.text(channel);
          reply.text(message);
        });
        receivers++;
      }
    }
    return receivers;
  }

  publishShard(channel: string, message: string): number {
    return this.deliver(this.shard.get(channel), "smessage", channel, message);
  }

  private deliver(clients: Set<Client> | undefined, kind: string, channel: string, message: string): number {
    if (clients === undefined) return 0;
    const write = (reply: Reply): void => {
      reply.push(3);
      reply.text(kind);
      reply.text(channel);
      reply.text(message);
    };
    for (const client of clients) this.server.tell(client, write);
    return clients.size;
  }
}
