/** Clients that take too much, or send nothing: who is left for it (client-output-buffer-limit, maxmemory-clients, timeout). */
import type { Client } from "./client.js";
import { memoryOf, typeOf } from "./client-info.js";
import type { Server } from "./server.js";

export class Limits {
  /** Bytes held for clients; kept only while maxmemory-clients is set. */
  private total = 0;
  private readonly counted = new Map<Client, number>();
  /** Since when more than the soft limit waits for a client: milliseconds since 1970. */
  private readonly softSince = new Map<Client, number>();

  constructor(private readonly server: Server) {}

  // ---- what waits to be sent ---------------------------------------------------------------------------------------------

  /** Something was written for the client that it has not taken yet. */
  afterSend(client: Client): void {
    if (this.isTooSlow(client)) return this.drop(client);
    if (this.server.config.maxmemoryClients !== 0) this.account(client);
  }

  private isTooSlow(client: Client): boolean {
    const type = typeOf(client);
    const { hard, soft, softSeconds } =
      this.server.config.outputLimits[type === "pubsub" ? "pubsub" : type === "replica" ? "slave" : "normal"];
    const waiting = client.output.pending + (client.replica?.kept ?? 0);
    if (hard !== 0 && waiting >= hard && !this.isOfBacklog(client, waiting)) return true;
    if (soft === 0 || waiting < soft) {
      this.softSince.delete(client);
      return false;
    }
    const since = this.softSince.get(client);
    if (since === undefined) this.softSince.set(client, Date.now());
    return since !== undefined && Date.now() - since > softSeconds * 1000;
  }

  /** What the backlog has for a replica is there anyway. */
  private isOfBacklog({ replica }: Client, bytes: number): boolean {
    return replica !== undefined && bytes < this.server.config.replBacklogSize;
  }

  /** What waits for it is not sent any more. Not at once: its command may be running. */
  drop(client: Client): void {
    client.isLeaving = true;
    client.output.abandon();
    setImmediate(() => this.server.close(client));
  }

  // ---- all clients' memory -------------------------------------------------------------------------------------------------

  /** Bytes that clients may take together; 0: as many as they like. A negative number in the configuration is a share of maxmemory. */
  private get limit(): number {
    const { maxmemoryClients, maxmemory } = this.server.config;
    return maxmemoryClients >= 0 ? maxmemoryClients : Math.floor((-maxmemoryClients * maxmemory) / 100);
  }

  /** A client takes more, or less. */
  account(client: Client): void {
    this.count(client);
    if (this.total > this.limit) this.evict((one) => this.drop(one));
  }

  private count(client: Client): void {
    if (client.isClosed || client.replica !== undefined) return;
    const bytes = client.isKept ? 0 : memoryOf(client);
    this.total += bytes - (this.counted.get(client) ?? 0);
    this.counted.set(client, bytes);
  }

  /** maxmemory-clients was set: all are counted, or none. Who is too much is gone when the reply comes. */
  recount(): void {
    const { server } = this;
    this.total = 0;
    this.counted.clear();
    if (this.limit === 0) return;
    for (const client of server.clients.values()) this.count(client);
    this.evict((one) => (one === server.current ? this.drop(one) : server.close(one)));
  }

  /** Those that take most go first. */
  private evict(leave: (client: Client) => void): void {
    const { limit } = this;
    if (limit === 0) return;
    const bySize = [...this.counted].filter(([, bytes]) => bytes !== 0).sort((a, b) => b[1] - a[1]);
    for (const [client, bytes] of bySize) {
      if (this.total <= limit) return;
      this.total -= bytes;
      this.counted.delete(client);
      this.server.statistics.evictedClients++;
      leave(client);
    }
  }

  forget(client: Client): void {
    this.softSince.delete(client);
    const bytes = this.counted.get(client);
    if (bytes === undefined) return;
    this.total -= bytes;
    this.counted.delete(client);
  }

  // ---- from time to time ---------------------------------------------------------------------------------------------------

  readonly tick = (): void => {
    // There was no memory for what is kept when nothing of theirs was on its way.
    for (const { output } of this.server.clients.values()) if (output.isStalled) output.goOn();
    for (const client of this.softSince.keys()) if (this.isTooSlow(client)) this.drop(client);
    const now = Date.now();
    if (this.server.config.timeout === 0 || now - this.looked < 1000) return;
    this.looked = now;
    for (const client of this.server.clients.values()) {
      if (typeOf(client) !== "normal" || client.blocked !== undefined) continue;
      if (now - client.lastSeen > this.server.config.timeout * 1000) this.server.close(client);
    }
  };
  private looked = 0;
}
