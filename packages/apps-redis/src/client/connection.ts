/** A connection to a Redis server over a libOS: commands go out in the order given, replies come in it. */
import { DemiError, type LibOS, type QueueDescriptor } from "@demikernel/core";
import { encode } from "../protocol/encode.js";
import { ReplyReader, type ReplyValue } from "./reply-reader.js";

/** Bytes of one push. */
const LARGEST_PUSH = 32 * 1024;

export class Connection {
  private readonly reader = new ReplyReader();

  private constructor(
    private readonly os: LibOS,
    private readonly qd: QueueDescriptor,
  ) {}

  /** Rejects with a DemiError: ECONNREFUSED, ETIMEDOUT, ... */
  static async open(os: LibOS, host: string, port: number): Promise<Connection> {
    const qd = os.socket("tcp", { family: host.includes(":") ? 6 : 4 });
    try {
      await os.async.connect(qd, { host, port });
    } catch (error) {
      os.close(qd);
      throw error;
    }
    return new Connection(os, qd);
  }

  /** Words are latin1 text. */
  async send(words: readonly string[]): Promise<void> {
    const request = Buffer.from(encode(words), "latin1");
    for (let at = 0; at < request.length; at += LARGEST_PUSH) {
      const sga = this.os.sga.from(request.subarray(at, at + LARGEST_PUSH));
      await this.os.async.push(this.qd, sga, { free: true });
    }
  }

  /** The next reply. Rejects with ECONNRESET when the server has closed the connection. */
  async receive(): Promise<ReplyValue> {
    for (;;) {
      const reply = this.reader.next();
      if (reply !== undefined) return reply;
      const sga = await this.os.async.pop(this.qd);
      if (sga === 0) throw new DemiError("ECONNRESET", "pop", "the server has closed the connection", this.qd);
      const bytes = this.os.sga.copy(sga);
      this.reader.add(bytes, 0, bytes.length);
      this.os.free(sga);
    }
  }

  async ask(...words: string[]): Promise<ReplyValue> {
    await this.send(words);
    return this.receive();
  }

  close(): void {
    this.os.close(this.qd);
  }
}
