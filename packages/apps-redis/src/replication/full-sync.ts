/** One snapshot for one replica or several that came together, and what has changed since, which they are told behind it. */
import { randomBytes } from "node:crypto";
import type { ByteSink } from "../rdb/file-writer.js";
import type { Server } from "../server/server.js";
import type { Replica } from "./replica.js";

/** Bytes that wait for a replica from which on the snapshot waits, too. */
const FULL = 1024 * 1024;

export class FullSync {
  readonly replicas = new Set<Replica>();
  /** Its snapshot is under way. */
  isTaken = false;
  /** Bytes of the stream since it began. */
  kept = 0;
  private readonly pieces: Buffer[] = [];

  /** `isDirect`: the file goes to replicas as it is made. `offset`: of the stream, where it begins. */
  constructor(
    private readonly server: Server,
    readonly isDirect: boolean,
    readonly offset: number,
    readonly withoutData: boolean,
    readonly withoutFunctions: boolean,
  ) {}

  join(replica: Replica): void {
    const { client } = replica;
    this.replicas.add(replica);
    replica.sync = this;
    replica.tookTime = Date.now();
    if (!replica.isOld) this.server.sendText(client, `+FULLRESYNC ${this.server.replication.id} ${this.offset}\r\n`);
  }

  /** What the stream goes on with is kept, within the limit of what may wait for a replica. */
  keep(bytes: Uint8Array, at: number, length: number): void {
    this.pieces.push(Buffer.from(bytes.subarray(at, at + length)));
    this.kept += length;
    for (const { client } of this.replicas) this.server.limits.afterSend(client);
  }

  /** The replica has the file: it is told what has changed since, and what changes from now on. */
  putOnline(replica: Replica): void {
    const { client } = replica;
    // What is gathered belongs behind the snapshot, too.
    this.server.replication.stream.flush();
    this.leave(replica);
    replica.startsOnAck = false;
    replica.state = "online";
    for (const piece of this.pieces) this.server.sendBytes(client, piece, piece.length);
  }

  leave(replica: Replica): void {
    this.replicas.delete(replica);
    replica.sync = undefined;
  }
}

/** The file goes to replicas as it is made, between two marks that it does not have in it. */
export class DirectSink implements ByteSink {
  private readonly mark = randomBytes(20).toString("hex");

  constructor(
    private readonly server: Server,
    private readonly sync: FullSync,
  ) {}

  begin(): void {
    this.text(`$EOF:${this.mark}\r\n`);
  }

  end(): void {
    this.text(this.mark);
  }

  private text(text: string): void {
    for (const { client } of this.sync.replicas) this.server.sendText(client, text);
  }

  get isFull(): boolean {
    for (const { client } of this.sync.replicas) if (client.output.pending > FULL) return true;
    return false;
  }

  write(bytes: Uint8Array, at: number, length: number): void {
    const part = Buffer.from(bytes.buffer, bytes.byteOffset + at, length);
    for (const { client } of this.sync.replicas) this.server.sendBytes(client, part, length);
  }
}
