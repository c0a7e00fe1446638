/** Commands as an append-only file has them, in pieces of any size: whole ones are run, in slices, so that others have their turn. */

import { LoadError } from "../persistence/load-error.js";
import { Found, RequestParser } from "../protocol/request-parser.js";
import type { Server } from "../server/server.js";
import type { Replayer } from "./replayer.js";

const LEAST = 64 * 1024;
/** Milliseconds for which commands are run before others have their turn. */
const SLICE = 5;
const STAR = 42;
const HASH = 35;
const LF = 10;
const LONGEST_ANNOTATION = 1024;
/** Bytes of an argument: more than a server has ever taken is damage. */
const MOST_BULK = 4 * 1024 * 1024 * 1024;
/** Whole commands in a row by which damage is told from a torn end. */
const PLAINLY = 3;
const BOUNDARY = Buffer.from("\r\n*");

export class CommandStream {
  /** Commands that were run. */
  commands = 0;
  /** Up to here all is whole: commands, and transactions to their EXEC. */
  whole: number;
  private readonly parser = new RequestParser();
  private bytes = Buffer.allocUnsafeSlow(LEAST);
  private filled = 0;

  /** `begin`: where in what `name` names the first byte is. */
  constructor(
    private readonly server: Server,
    private readonly replayer: Replayer,
    private readonly name: string,
    private begin = 0,
  ) {
    this.whole = begin;
  }

  /** Bytes at the end that are no whole command, or of a transaction without an end. */
  get torn(): number {
    return this.begin + this.filled - this.whole;
  }

  /** What is torn is left out: what comes now begins anew. */
  reset(): void {
    this.replayer.forgetTransaction();
    this.begin += this.filled;
    this.whole = this.begin;
    this.filled = 0;
  }

  async add(piece: Uint8Array): Promise<void> {
    if (this.filled + piece.length > this.bytes.length) this.grow(this.filled + piece.length);
    this.bytes.set(piece, this.filled);
    this.filled += piece.length;
    const { keyspace } = this.server;
    try {
      await this.runWhole();
    } finally {
      keyspace.isReplaying = false;
    }
  }

  private grow(least: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, least));
    this.bytes.copy(larger, 0, 0, this.filled);
    this.bytes = larger;
  }

  private async runWhole(): Promise<void> {
    const { parser, server } = this;
    const { keyspace } = server;
    let position = 0;
    let end = performance.now() + SLICE;
    keyspace.isReplaying = true;
    keyspace.setNow(Date.now());
    for (;;) {
      const at = this.pastAnnotations(position);
      if (at === this.filled) break;
      position = at;
      if (this.bytes[position] !== STAR) this.refuse(position, "no command begins here");
      parser.begin(this.bytes, position);
      const found = parser.next(this.filled, MOST_BULK, true);
      if (found === Found.NOTHING) break;
      if (found === Found.ERROR) this.refuse(position, parser.error.replace(/^ERR Protocol error: /, ""));
      const why = this.replayer.apply(parser.take());
      if (why !== undefined) this.refuse(position, why);
      this.commands++;
      position = parser.position;
      if (!this.replayer.isWithinTransaction) this.whole = this.begin + position;
      if (performance.now() < end) continue;
      keyspace.isReplaying = false;
      await new Promise((resolve) => setImmediate(resolve));
      keyspace.isReplaying = true;
      keyspace.setNow(Date.now());
      end = performance.now() + SLICE;
    }
    this.bytes.copyWithin(0, position, this.filled);
    this.filled -= position;
    this.begin += position;
  }

  /** Lines that begin with # tell when what follows was written; what is not there yet of one is waited for. */
  private pastAnnotations(position: number): number {
    while (position < this.filled && this.bytes[position] === HASH) {
      const feed = this.bytes.subarray(position, this.filled).indexOf(LF);
      if (feed < 0 && this.filled - position > LONGEST_ANNOTATION)
        this.refuse(position, "an annotation without an end");
      if (feed < 0) return this.filled;
      position += feed + 1;
      if (!this.replayer.isWithinTransaction) this.whole = this.begin + position;
    }
    return position;
  }

  /**
   * At the end: what is torn must be the end of what was written. A length that is damaged makes a command of all that follows, which is not to be
   * cut off as if it had been torn.
   */
  checkTorn(): void {
    const tail = this.bytes.subarray(0, this.filled);
    const { parser } = this;
    for (let at = tail.indexOf(BOUNDARY); at >= 0; at = tail.indexOf(BOUNDARY, at + 1)) {
      let found = 0;
      parser.begin(tail, at + 2);
      while (parser.next(tail.length, MOST_BULK, true) === Found.COMMAND) {
        if (this.server.commands.find(parser.take()) === undefined) break;
        if (++found === PLAINLY)
          this.refuse(0, `what the command announces is not there, but others follow at offset ${this.begin + at + 2}`);
        if (tail[parser.position] !== STAR) break;
        parser.begin(tail, parser.position);
      }
    }
  }

  private refuse(position: number, why: string): never {
    throw new LoadError(`${this.name}: at offset ${this.begin + position}: ${why}`);
  }
}
