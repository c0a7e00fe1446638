/** Applies the master's stream: its commands run as they would have for a client, without replies, and its bytes go on to this server's own replicas. */

import { withWords } from "../memory/bytes.js";
import { Found, RequestParser } from "../protocol/request-parser.js";
import type { Client } from "../server/client.js";
import { dispatch } from "../server/dispatch.js";
import type { Server } from "../server/server.js";

const LEAST = 64 * 1024;
/** Memory beyond this is not kept from one command to the next. */
const KEPT = 1024 * 1024;
/** Bytes of an argument: a master takes what proto-max-bulk-len says there. */
const LARGEST = 2 ** 32;
/** Bytes of what is not whole, where client-query-buffer-limit is less: the master's may be more, and what it has taken must come through. */
const LEAST_LIMIT = 2 ** 30;
const STAR = 42;
const CR = 13;
const LF = 10;

export class Applier {
  private buffer = withWords(Buffer.allocUnsafeSlow(LEAST));
  private filled = 0;
  private readonly parser = new RequestParser();
  /** Where what has not been counted begins: a command, or the MULTI of a transaction that is not whole. */
  private counted = 0;
  private isStopped = false;

  constructor(
    private readonly server: Server,
    private readonly client: Client,
    private readonly failed: (why: string) => void,
  ) {
    this.parser.begin(this.buffer, 0);
  }

  /** Bytes that have come and were not applied. */
  get waiting(): number {
    return this.filled - this.counted;
  }

  stop(): void {
    this.isStopped = true;
  }

  /** Takes bytes, and applies what is whole. */
  take(bytes: Uint8Array, at: number, length: number): void {
    const limit = Math.max(this.server.config.clientQueryBufferLimit, LEAST_LIMIT);
    if (this.filled + length > limit) return this.failed("a command without end");
    this.room(length);
    this.buffer.set(bytes.subarray(at, at + length), this.filled);
    this.filled += length;
    this.apply();
  }

  /** Goes on with what is there. */
  apply(): void {
    const { client, parser, server } = this;
    const { call, keyspace } = server;
    const { replication } = server;
    if (!replication.mayApply || this.isStopped) return;
    const { current } = server;
    server.beginLaps();
    server.current = client;
    keyspace.showsExpired = true;
    try {
      while (!this.isStopped && !client.isLeaving && replication.mayApply) {
        if (!parser.isWithin && !this.isRequest()) return this.failed("something that is no command");
        const found = parser.next(this.filled, LARGEST, true);
        if (found === Found.NOTHING) break;
        if (found === Found.ERROR) return this.failed(parser.error);
        server.processed++;
        call.reply.resp = client.resp;
        dispatch(server, client, parser.take());
        call.reply.reset();
        if (client.transaction === undefined) this.count();
      }
      if (server.tracker.hasBroadcasts) server.tracker.broadcast();
    } finally {
      call.reply.reset();
      keyspace.showsExpired = false;
      server.current = current;
    }
    if (client.isLeaving && !this.isStopped) return this.failed("a transaction without end");
    this.compact();
  }

  /** A master says nothing else. */
  private isRequest(): boolean {
    const { position } = this.parser;
    const first = position < this.filled ? this.buffer[position] : STAR;
    return first === STAR || first === CR || first === LF;
  }

  /** What was applied is a part of this server's stream, too. */
  private count(): void {
    const { stream } = this.server.replication;
    const end = this.parser.position;
    if (!this.isStopped) stream.add(this.buffer, this.counted, end - this.counted);
    this.counted = end;
  }

  private compact(): void {
    const { counted, parser } = this;
    if (counted === 0) return;
    this.filled -= counted;
    const isLarge = this.buffer.length > KEPT && this.filled < LEAST;
    const target = isLarge ? withWords(Buffer.allocUnsafeSlow(LEAST)) : this.buffer;
    this.buffer.copy(target, 0, counted, counted + this.filled);
    this.buffer = target;
    parser.resume(parser, target, counted);
    this.counted = 0;
  }

  private room(more: number): void {
    const needed = this.filled + more;
    if (needed <= this.buffer.length) return;
    const larger = withWords(Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2)));
    this.buffer.copy(larger, 0, 0, this.filled);
    this.buffer = larger;
    this.parser.args.move(larger, 0);
  }
}
