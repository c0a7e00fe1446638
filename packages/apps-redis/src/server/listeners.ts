/** Where connections come from, and what becomes of new ones. */
import { DemiError, type QueueDescriptor } from "@demikernel/core";
import { Client } from "./client.js";
import type { Output } from "./output.js";
import type { Server } from "./server.js";

/** Milliseconds for which the next accept waits when there are no descriptors. */
const ACCEPT_PAUSE = 100;

export class Listeners {
  private listeners: QueueDescriptor[] = [];
  private nextId = 1;

  newId(): number {
    return this.nextId++;
  }

  constructor(private readonly server: Server) {}

  listen(host: string, port: number): void {
    const qd = this.server.os.socket("tcp", { family: host.includes(":") ? 6 : 4 });
    try {
      this.server.os.bind(qd, { host, port });
      this.server.os.listen(qd, this.server.config.tcpBacklog);
    } catch (error) {
      this.server.os.close(qd);
      throw error;
    }
    this.listeners.push(qd);
    this.server.os.accept(qd);
  }

  /** Those there are, which are no more the server's own. */
  take(): QueueDescriptor[] {
    const taken = this.listeners;
    this.listeners = [];
    return taken;
  }

  give(listeners: QueueDescriptor[]): void {
    this.listeners = listeners;
  }

  close(): void {
    for (const qd of this.take()) this.server.os.close(qd);
  }

  onAccept(listener: QueueDescriptor, result: number, qd: QueueDescriptor): void {
    if (!this.listeners.includes(listener)) {
      // It was closed while this was under way.
      if (result >= 0) this.server.os.close(qd);
      return;
    }
    if (result < 0) {
      setTimeout(
        () => this.server.os.closed || !this.listeners.includes(listener) || this.server.os.accept(listener),
        ACCEPT_PAUSE,
      ).unref();
      return;
    }
    this.server.os.accept(listener);
    this.server.connections++;
    const client = this.newClient(qd);
    if (client === undefined || !this.admit(client)) return;
    this.keepAlive(qd);
    this.server.os.pop(qd);
  }

  /** A client by something else than a queue: its name among the clients is none of a queue's. It is leaving already if there are too many. */
  addStream(output: Output, address: string, localAddress: string): Client {
    const { os } = this.server;
    const id = this.nextId++;
    this.server.connections++;
    const client = new Client(id, os, -id as QueueDescriptor, address, localAddress, undefined, output);
    this.admit(client);
    return client;
  }

  /** False: there are too many, which it is told. */
  private admit(client: Client): boolean {
    const { acl, clients, config, statistics } = this.server;
    if (clients.size >= config.maxclients) {
      statistics.rejectedConnections++;
      this.reject(client, "ERR max number of clients reached");
      return false;
    }
    client.user = acl.newcomer();
    clients.set(client.qd, client);
    return true;
  }

  /** Undefined: it has gone already. */
  private newClient(qd: QueueDescriptor): Client | undefined {
    try {
      const peer = addressText(this.server.os.getpeername(qd));
      const { gate, os } = this.server;
      return new Client(this.newId(), os, qd, peer, addressText(os.getsockname(qd)), gate);
    } catch (error) {
      if (!(error instanceof DemiError)) throw error;
      this.server.os.close(qd);
      return undefined;
    }
  }

  /** The kernel's own times: a backend has a switch, and no seconds. */
  private keepAlive(qd: QueueDescriptor): void {
    if (this.server.config.tcpKeepalive === 0) return;
    try {
      this.server.os.setsockopt(qd, "keepalive", true);
    } catch {
      // A backend without it: timeout is left.
    }
  }

  private reject(client: Client, why: string): void {
    client.isLeaving = true;
    this.server.clients.set(client.qd, client);
    const text = Buffer.from(`-${why}\r\n`);
    client.output.send(text, text.length);
    if (client.output.isIdle) this.server.close(client);
  }
}

export function addressText({ host, port }: { host: string; port: number }): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
