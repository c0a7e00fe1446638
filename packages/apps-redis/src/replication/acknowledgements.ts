/** WAIT: clients that wait until so many replicas have what they wrote. */
import type { Client } from "../server/client.js";
import type { Server } from "../server/server.js";
import type { Replication } from "./replication.js";

interface Waiting {
  offset: number;
  replicas: number;
}

export class Acknowledgements {
  private readonly waiting = new Map<Client, Waiting>();
  private isAsking = false;

  constructor(
    private readonly server: Server,
    private readonly replication: Replication,
  ) {}

  forget(client: Client): void {
    this.waiting.delete(client);
  }

  /** Replicas that have the stream up to `offset`. */
  count(offset: number): number {
    let count = 0;
    for (const { state, ackOffset } of this.replication.replicas.values())
      if (state === "online" && ackOffset >= offset) count++;
    return count;
  }

  /** The client waits; `milliseconds`: 0 for without end. */
  wait(client: Client, offset: number, replicas: number, milliseconds: number): void {
    const { server } = this;
    this.waiting.set(client, { offset, replicas });
    const reply = (): void => {
      this.waiting.delete(client);
      server.call.reply.integer(this.count(offset));
    };
    server.blocking.block(client, { db: client.db, keys: [], serve: () => false, expire: reply }, milliseconds);
    this.ask();
  }

  /** A replica has said how far it is. */
  acknowledged(): void {
    for (const [client, { offset, replicas }] of this.waiting) {
      const count = this.count(offset);
      if (count < replicas) continue;
      this.waiting.delete(client);
      this.server.blocking.unblock(client, () => this.server.call.reply.integer(count));
    }
  }

  /** Replicas are asked how far they are, once for all that wait since. */
  ask(): void {
    if (this.isAsking) return;
    this.isAsking = true;
    setImmediate(() => {
      this.isAsking = false;
      if (this.server.os.closed || this.replication.master !== undefined) return;
      this.replication.stream.words("REPLCONF", "GETACK", "*");
    });
  }
}
