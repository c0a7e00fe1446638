/** The stream of changes: as a master, of what commands did; as a replica, the very bytes of the master's. It goes to the backlog and to replicas. */
import type { Follower } from "../propagation/propagation.js";
import { encode } from "../protocol/encode.js";
import type { Server } from "../server/server.js";
import type { Replication } from "./replication.js";

/** Bytes that are gathered before they go out, at most: of one turn, mostly. */
const GATHERED = 64 * 1024;

export class Stream implements Follower {
  /** Database that replicas are in; -1: they are to be told. */
  db = -1;
  private readonly gathered = Buffer.allocUnsafeSlow(GATHERED);
  private length = 0;
  private isScheduled = false;
  readonly takesMessages = true;

  constructor(
    private readonly server: Server,
    private readonly replication: Replication,
  ) {}

  /** What a command did. A replica's own changes are nobody's but its own. */
  command(db: number, bytes: Uint8Array, at: number, length: number): void {
    if (this.replication.master !== undefined) return;
    if (db !== this.db) {
      this.db = db;
      this.words("SELECT", String(db));
    }
    this.add(bytes, at, length);
  }

  /** Replicas lack something: they have to ask for all again. */
  lost(): void {
    this.replication.disconnectReplicas();
    this.replication.freeBacklog();
  }

  /** A command of the stream's own, whatever the database. */
  words(...words: string[]): void {
    const bytes = Buffer.from(encode(words), "latin1");
    this.add(bytes, 0, bytes.length);
  }

  add(bytes: Uint8Array, at: number, length: number): void {
    this.replication.offset += length;
    if (this.length + length > GATHERED) this.flush();
    if (length > GATHERED) return this.tell(bytes, at, length);
    this.gathered.set(bytes.subarray(at, at + length), this.length);
    this.length += length;
    if (this.isScheduled) return;
    this.isScheduled = true;
    setImmediate(this.flushSoon);
  }

  private readonly flushSoon = (): void => {
    this.isScheduled = false;
    if (!this.server.os.closed) this.flush();
  };

  /** All that was gathered goes out. */
  flush(): void {
    const { length } = this;
    if (length === 0) return;
    this.length = 0;
    this.tell(this.gathered, 0, length);
  }

  private tell(bytes: Uint8Array, at: number, length: number): void {
    const { backlog, replicas, syncs } = this.replication;
    backlog?.append(bytes, at, length);
    syncs.keep(bytes, at, length);
    const part = Buffer.from(bytes.buffer, bytes.byteOffset + at, length);
    for (const { client, state, startsOnAck } of replicas.values())
      if (state === "online" && !startsOnAck) this.server.sendBytes(client, part, length);
  }
}
