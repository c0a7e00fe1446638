/** A client that follows the dataset: what it has said of itself, and how far it is. */
import type { Client } from "../server/client.js";
import type { FullSync } from "./full-sync.js";

/** What REPLCONF tells before PSYNC. */
export class Introduction {
  /** Where it listens for its own clients. */
  port = 0;
  /** Its address as it wants to be known; undefined: that of the connection. */
  address: string | undefined;
  /** It understands an RDB file whose length is not known before, and other IDs behind +CONTINUE. */
  takesEof = false;
  takesNewId = false;
  /** It wants the file, and is gone then. */
  isRdbOnly = false;
  /** Parts of the file that it does not want. */
  withoutData = false;
  withoutFunctions = false;

  get isFiltered(): boolean {
    return this.withoutData || this.withoutFunctions;
  }
}

export class Replica {
  /** waiting: for a snapshot, or for its end; sending: the file goes to it; online: it has all, and is told what changes. */
  state: "waiting" | "sending" | "online" = "waiting";
  /** What it is told from, until it has all. */
  sync: FullSync | undefined;
  /** It has the file, and is told what has changed since as soon as it says so. */
  startsOnAck = false;
  /** It said SYNC: it acknowledges nothing. */
  isOld = false;
  ackOffset = 0;
  /** When it last said something, or took something of the file: milliseconds since 1970. */
  ackTime = Date.now();
  tookTime = 0;
  readonly since = Date.now();
  /** Called when it is gone while a file is read for it. */
  whenGone: (() => void) | undefined;

  constructor(
    readonly introduction: Introduction,
    readonly client: Client,
  ) {}

  get address(): string {
    const { address } = this.client;
    return this.introduction.address ?? address.slice(0, address.lastIndexOf(":")).replace(/[[\]]/g, "");
  }

  /** As INFO tells it. */
  get stateText(): string {
    return this.state === "online" ? "online" : this.state === "sending" ? "send_bulk" : "wait_bgsave";
  }

  /** Bytes that are kept for it until it has all, beside its output. */
  get kept(): number {
    return this.sync?.kept ?? 0;
  }
}
