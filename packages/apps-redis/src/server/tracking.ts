/** Client-side caching: who is told when a key that he has read is changed (Redis: tracking.c). */
import type { Client } from "./client.js";
import type { Server } from "./server.js";

export interface Tracking {
  /** The client that is told instead; 0: itself. */
  redirect: number;
  /** That client is gone. */
  isBroken: boolean;
  isBroadcast: boolean;
  isOptIn: boolean;
  isOptOut: boolean;
  noLoop: boolean;
  /** CLIENT CACHING, for the next command. */
  isCaching: boolean;
  /** With BCAST: keys that begin with one of these. */
  prefixes: string[];
}

export class Tracker {
  /** Keys that somebody would be told of, and how many would; prefixes that clients have. */
  keys = 0;
  items = 0;
  prefixCount = 0;

  constructor(protected readonly server: Server) {}

  begin(client: Client, tracking: Tracking): void {
    client.tracking = tracking;
  }

  forget(client: Client): void {
    client.tracking = undefined;
  }
}
