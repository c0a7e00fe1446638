/** Requests as they come: whole ones are run where they lie, what is not whole is kept until the rest is there. */
import type { QueueDescriptor, Sga } from "@demikernel/core";
import { withWords } from "../memory/bytes.js";
import type { Args } from "../protocol/args.js";
import { Found, RequestParser } from "../protocol/request-parser.js";
import { Ahead } from "./ahead.js";
import type { Client } from "./client.js";
import { dispatch } from "./dispatch.js";
import { isShortage } from "./memory.js";
import type { Server } from "./server.js";

/** Replies of one batch that are sent before the batch is over, bytes. */
const SENT_BEFORE = 64 * 1024;
/** Memory of a request that is not whole: at least, and for bytes that are only announced, beyond as many again as there are. */
const LEAST_QUERY = 4096;
const MOST_AHEAD = 64 * 1024;

export class Requests {
  private readonly parser = new RequestParser();
  private readonly ahead = new Ahead();
  /** Bytes that came together with what is being run: CLIENT LIST. */
  batch = 0;

  /** Where the request that the parser is within begins. */
  private begunAt = 0;

  constructor(private readonly server: Server) {}

  /** Bytes have come, or the connection is at its end. */
  onPop(qd: QueueDescriptor, result: number, sga: Sga): void {
    const { server } = this;
    const { os } = server;
    const client = server.clients.get(qd);
    if (result <= 0 || client === undefined) {
      if (client === undefined && server.replication.link.onPop(qd, result, sga)) return;
      if (sga !== 0) os.free(sga);
      if (client !== undefined) server.close(client);
      return;
    }
    // Mostly one piece, which is read where it lies.
    const whole = os.sga.segments(sga) === 1;
    const view = whole ? withWords(os.sga.view(sga)) : os.sga.copy(sga);
    this.onBytes(client, view, whole ? os.sga.offset(sga) : 0, result);
    os.free(sga);
    if (!client.isClosed) os.pop(qd, client.nextPop(result));
  }

  /** Bytes that a client has sent; they are another's after the call. */
  onBytes(client: Client, view: Uint8Array, at: number, result: number): void {
    const { server } = this;
    server.statistics.reads++;
    server.statistics.inputBytes += result;
    const now = server.beginLaps();
    client.lastSeen = now;
    if (client.filled === 0 && client.blocked === undefined && !client.isLeaving) {
      // The usual: whole requests, read where they lie.
      this.batch = result;
      this.parser.begin(view, at);
      const end = at + result;
      this.serve(client, this.parser, end);
      const done = this.parser.isWithin ? this.begunAt : this.parser.position;
      if (done < end && !client.isClosed) this.keep(client, view, done, end);
    } else {
      this.append(client, view, at, result);
      this.serveKept(client);
    }
  }

  /** Runs requests until there is no whole one; replies are sent. */
  private serve(client: Client, parser: RequestParser, end: number): void {
    const { server } = this;
    const { reply } = server.call;
    server.current = client;
    reply.resp = client.resp;
    // One that has begun is at the start of what was kept.
    this.begunAt = parser.isWithin ? 0 : parser.position;
    this.ahead.begin(parser.position);
    while (client.blocked === undefined && !client.isLeaving) {
      if (!parser.isWithin)
        this.ahead.look(server.keyspace.dbs[client.db].dict, parser.args.bytes, parser.position, end);
      const found = parser.next(end, server.config.protoMaxBulkLen, client.user !== undefined);
      if (found === Found.NOTHING) break;
      if (found === Found.ERROR) {
        reply.error(parser.error);
        client.isLeaving = true;
        break;
      }
      this.begunAt = parser.position;
      server.processed++;
      if (client.replies === "on") {
        dispatch(server, client, parser.take());
      } else {
        this.quietly(client, parser.take());
      }
      if (reply.length >= SENT_BEFORE) this.flush(client);
    }
    if (server.tracker.hasBroadcasts) server.tracker.broadcast();
    if (server.config.maxmemoryClients !== 0) server.limits.account(client);
    this.flush(client);
    server.current = undefined;
  }

  private quietly(client: Client, args: Args): void {
    const { reply } = this.server.call;
    // What it is told of while its replies are thrown away comes behind those before.
    if (reply.length !== 0) this.server.send(client, reply);
    reply.reset();
    const mark = reply.mark();
    const skips = client.replies === "skipping";
    dispatch(this.server, client, args);
    // CLIENT REPLY ON is answered.
    if ((client.replies as string) !== "on") reply.rewind(mark);
    if (client.replies === "skip") client.replies = "skipping";
    else if (skips && client.replies === "skipping" && client.blocked === undefined) client.replies = "on";
  }

  private flush(client: Client): void {
    const { reply } = this.server.call;
    if (reply.length !== 0) {
      // To a replica goes the stream, and nothing between.
      if (client.replica !== undefined) this.server.limits.drop(client);
      else this.server.send(client, reply);
    }
    reply.reset();
    if (client.isLeaving && client.output.isIdle && !client.isClosed) this.server.close(client);
  }

  // ---- requests that are not whole ---------------------------------------------------------------------------------------

  private keep(client: Client, bytes: Uint8Array, from: number, end: number): void {
    if (!this.roomFor(client, end - from, this.parser.needs - from)) return;
    const query = client.query as Buffer;
    query.set(bytes.subarray(from, end), 0);
    client.filled = end - from;
    client.parser.begin(query, 0);
    if (this.parser.isWithin) client.parser.resume(this.parser, query, from);
  }

  private append(client: Client, bytes: Uint8Array, at: number, length: number): void {
    if (!this.roomFor(client, client.filled + length, client.parser.isWithin ? client.parser.needs : 0)) return;
    (client.query as Buffer).set(bytes.subarray(at, at + length), client.filled);
    client.filled += length;
    if (client.filled > this.server.config.clientQueryBufferLimit) this.server.close(client);
    else if (this.server.config.maxmemoryClients !== 0) this.server.limits.account(client);
  }

  /** False: the machine has no memory for them, and the client is left. For bytes that are there, and some of those that are announced: ten thousand clients may announce what they never send. */
  private roomFor(client: Client, bytes: number, announced: number): boolean {
    const had = client.query;
    if (had !== undefined && had.length >= bytes) return true;
    const ahead = Math.min(announced, Math.max(bytes * 2, MOST_AHEAD));
    // Twice what there was: a request of many small arguments announces none of them, and is not to be copied whenever some have come.
    const wanted = Math.max(bytes, ahead, had === undefined ? LEAST_QUERY : had.length * 2);
    let larger: Buffer;
    try {
      larger = withWords(Buffer.allocUnsafeSlow(wanted));
    } catch (error) {
      if (!isShortage(error)) throw error;
      this.server.close(client);
      return false;
    }
    if (had !== undefined) had.copy(larger, 0, 0, client.filled);
    client.query = larger;
    client.parser.args.move(larger, 0);
    return true;
  }

  /** Runs what was kept of who may go on. */
  serveKept(client: Client): void {
    if (client.isClosed || client.blocked !== undefined || client.filled === 0) return;
    const { parser } = client;
    this.batch = client.filled;
    this.server.beginLaps();
    if (!parser.isWithin) parser.begin(client.query as Buffer, 0);
    this.serve(client, parser, client.filled);
    if (client.isClosed) return;
    const done = parser.isWithin ? this.begunAt : parser.position;
    if (done === client.filled) {
      client.filled = 0;
      client.query = undefined;
      parser.begin(NOTHING, 0);
    } else if (done !== 0) {
      const query = client.query as Buffer;
      query.copyWithin(0, done, client.filled);
      client.filled -= done;
      if (parser.isWithin) parser.resume(parser, query, done);
      else parser.begin(query, 0);
    }
  }
}

const NOTHING = Buffer.alloc(0);
