/** Several clients of our server and of redis-server, of which some wait: what each is told must be the same. */

import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Reply, Request, RespClient } from "./resp-client.js";
import type { Servers } from "./side-by-side.js";

/** After so many milliseconds in which they do not agree, they do not. */
const PATIENCE = 3000;

/** One server's. */
class Side {
  readonly clients: RespClient[] = [];
  /** What each was told. */
  readonly told: Reply[][] = [];
  /** Requests of each that are not answered. */
  readonly waiting: number[] = [];
  private control!: RespClient;

  constructor(private readonly server: Servers["ours"] | Servers["theirs"]) {}

  async open(count: number): Promise<void> {
    this.control = await this.server.connect();
    await this.control.call([["FLUSHALL"]]);
    for (let i = 0; i < count; i++) await this.connect(i);
  }

  send(i: number, requests: readonly Request[]): void {
    this.waiting[i] += requests.length;
    this.clients[i].write(requests);
  }

  /** All that was sent before has been seen by the server. */
  async settle(): Promise<void> {
    await this.control.call([["PING"]]);
    await this.control.call([["PING"]]);
  }

  async reopen(i: number): Promise<void> {
    await this.clients[i].leave();
    await this.connect(i);
  }

  private async connect(i: number): Promise<void> {
    const client = await this.server.connect();
    this.clients[i] = client;
    this.told[i] = [];
    this.waiting[i] = 0;
    client.listen((reply) => {
      if (this.clients[i] !== client) return;
      this.told[i].push(reply);
      this.waiting[i]--;
    });
  }

  close(): void {
    for (const client of [this.control, ...this.clients]) client.close();
  }
}

export class SeveralClients {
  private constructor(private readonly sides: readonly [Side, Side]) {}

  static async start({ ours, theirs }: Servers, count: number): Promise<SeveralClients> {
    const sides = [new Side(ours), new Side(theirs)] as const;
    for (const side of sides) await side.open(count);
    return new SeveralClients(sides);
  }

  /** Whether the client has not been answered yet. */
  waits(i: number): boolean {
    return this.sides[1].waiting[i] !== 0;
  }

  /** Client `i` sends these in one go, to both servers; then all clients must have been told the same by both. */
  async send(i: number, ...requests: Request[]): Promise<void> {
    for (const side of this.sides) side.send(i, requests);
    await this.agree(`client ${i}: ${JSON.stringify(requests)}`);
  }

  /** Both say the same, now or soon. Returns what each client has been told since the last time. */
  async agree(after: string): Promise<Reply[][]> {
    const [ours, theirs] = this.sides;
    for (const side of this.sides) await side.settle();
    for (const end = Date.now() + PATIENCE; ; await pause(2)) {
      if (isDeepStrictEqual(ours.told, theirs.told) && isDeepStrictEqual(ours.waiting, theirs.waiting)) break;
      if (Date.now() > end) {
        expect({ after, told: ours.told, waiting: ours.waiting }).toEqual({
          after,
          told: theirs.told,
          waiting: theirs.waiting,
        });
      }
    }
    for (const told of ours.told) told.length = 0;
    return theirs.told.map((told) => told.splice(0));
  }

  /** The client goes, whatever it waits for, and comes anew. */
  async reopen(i: number): Promise<void> {
    for (const side of this.sides) await side.reopen(i);
  }

  close(): void {
    for (const side of this.sides) side.close();
  }
}
