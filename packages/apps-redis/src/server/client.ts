/** One connection, and what Redis knows of it. */
import type { LibOS, QueueDescriptor } from "@demikernel/core";
import type { User } from "../acl/user.js";
import type { Gate } from "../aof/gate.js";
import type { Command } from "../commands/command.js";
import type { Args } from "../protocol/args.js";
import { RequestParser } from "../protocol/request-parser.js";
import type { Introduction, Replica } from "../replication/replica.js";
import { type Output, QueueOutput } from "./output.js";
import type { Subscriptions } from "./pubsub.js";
import type { Tracking } from "./tracking.js";

/** A command that waits for EXEC. */
export interface Queued {
  command: Command;
  args: Args;
}

/** What MULTI began. */
export interface Transaction {
  queued: Queued[];
  /** Of their arguments. */
  bytes: number;
  /** A command was refused while queueing: EXEC is refused too. */
  isAborted: boolean;
}

/** A key that WATCH names. */
export interface WatchedKey {
  db: number;
  key: string;
}

/** A pop of so many bytes may have had to end there; one that is asked for more takes up to so many; and so many smaller ones end that. */
const MUCH = 4096;
const LARGE_POP = 65_536;
const SMALL_POPS = 64;

export class Client {
  db = 0;
  resp = 2;
  name = "";
  /** Bytes that are asked for at once: {@link nextPop}. */
  private popLimit = 0;
  private smallPops = 0;

  /** The limit of the next pop, after one of `bytes`: more for who sends much, so that a pipeline does not come in pieces. */
  nextPop(bytes: number): number {
    if (bytes >= MUCH) {
      this.popLimit = LARGE_POP;
      this.smallPops = 0;
    } else if (this.popLimit !== 0 && ++this.smallPops === SMALL_POPS) {
      this.popLimit = 0;
      this.smallPops = 0;
    }
    return this.popLimit;
  }

  readonly created = Date.now();
  /** When it last sent something: milliseconds since 1970. */
  lastSeen = this.created;
  /** What it runs, or ran last. */
  command: Command | undefined;
  /** Who it has said it is; undefined: it has not, and must. */
  user: User | undefined;
  /** Undefined: it has never subscribed to anything. */
  subscriptions: Subscriptions | undefined;
  /** CLIENT TRACKING ON. */
  tracking: Tracking | undefined;
  /** What it has said of itself as a replica that it may become; what it is as one. */
  introduction: Introduction | undefined;
  replica: Replica | undefined;
  /** Of the stream of changes behind its last command: WAIT. */
  writeOffset = 0;
  /** CLIENT NO-EVICT ON. */
  isKept = false;
  transaction: Transaction | undefined;
  watched: WatchedKey[] = [];
  /** Bytes of their names. */
  watchedBytes = 0;
  /** A watched key was changed: EXEC does nothing. */
  isDirty = false;
  /** CLIENT REPLY: what is written is thrown away; "skip": of the next command only. */
  replies: "on" | "off" | "skip" | "skipping" = "on";
  /** What it waits for; until then it is not read from. */
  blocked: object | undefined;
  /** It is left when what was written for it is sent; nothing more is taken from it. */
  isLeaving = false;
  isClosed = false;
  isMonitor = false;
  /** What it sends was done elsewhere already, and is done as it was there: a master's stream, a file's commands. */
  isObeyed = false;
  readonly output: Output;
  /** Bytes that have come and belong to no request yet, from 0 to `filled`. */
  query: Buffer | undefined;
  filled = 0;
  /** Goes through {@link query}. */
  readonly parser = new RequestParser();

  constructor(
    readonly id: number,
    os: LibOS,
    readonly qd: QueueDescriptor,
    readonly address: string,
    public localAddress: string,
    gate?: Gate,
    output?: Output,
  ) {
    this.output = output ?? new QueueOutput(os, qd, gate);
  }
}
