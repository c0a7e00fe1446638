/** What is to be sent to a client: on its way at once, as long as what carries it takes it; else it is kept. */
import { type LibOS, PushFlag, type QueueDescriptor, type Sga } from "@demikernel/core";
import type { Gate, Sendable } from "../aof/gate.js";
import { copyBytes, withWords } from "../memory/bytes.js";

/** Bytes of one push, and on their way for one client at most: the arena is everybody's. */
const LARGEST_PUSH = 64 * 1024;
const MOST_UNDER_WAY = 256 * 1024;
/** Pushes on their way: a queue refuses the 1025th, however short they are. */
const MOST_PUSHES = 512;

/** Bytes that are kept, up to `end`. */
interface Kept {
  bytes: Buffer;
  end: number;
}

export abstract class Output implements Sendable {
  /** Bytes that are kept because too many are on their way. */
  kept = 0;
  underWay = 0;
  sent = 0;
  private pushes = 0;
  private readonly waiting: Kept[] = [];
  private offset = 0;
  /** It broke: nothing more is sent. */
  isBroken = false;

  constructor(protected readonly gate?: Gate) {}

  /** On its way, or it will be when the gate is open; false: nothing more can be taken now. The bytes are the caller's again. */
  protected abstract push(bytes: Buffer, from: number, length: number): boolean;
  abstract release(): void;
  /** The connection ends. */
  abstract close(): void;

  get isIdle(): boolean {
    return this.underWay === 0 && this.waiting.length === 0;
  }

  /** Something is kept, and nothing is on its way whose end would send it. */
  get isStalled(): boolean {
    return this.underWay === 0 && this.waiting.length !== 0;
  }

  /** Pieces that are kept. */
  get waitingChunks(): number {
    return this.waiting.length;
  }

  /** Bytes that the client has not been sent. */
  get pending(): number {
    return this.kept + this.underWay;
  }

  /** Copies: the memory is the caller's again. */
  send(bytes: Buffer, length: number): void {
    if (this.isBroken) return;
    let from = 0;
    if (this.waiting.length === 0) {
      while (from < length && this.underWay < MOST_UNDER_WAY && this.pushes < MOST_PUSHES) {
        const some = Math.min(length - from, LARGEST_PUSH);
        if (!this.push(bytes, from, some)) break;
        this.pushes++;
        from += some;
      }
    }
    if (from !== length) this.keep(bytes, from, length - from);
  }

  /** Short ones lie together: a client that reads nothing may be told a million of them, and they leave together. */
  private keep(bytes: Buffer, from: number, length: number): void {
    let last = this.waiting.at(-1);
    if (last === undefined || last.bytes.length - last.end < length) {
      const more = Math.min(2 * (last?.bytes.length ?? 0), LARGEST_PUSH);
      last = { bytes: Buffer.allocUnsafeSlow(Math.max(length, more)), end: 0 };
      this.waiting.push(last);
    }
    bytes.copy(last.bytes, last.end, from, from + length);
    last.end += length;
    this.kept += length;
  }

  /** What is kept is thrown away, and nothing more is sent. */
  abandon(): void {
    this.isBroken = true;
    this.waiting.length = 0;
    this.kept = 0;
  }

  /** A push has ended with `result`. */
  ended(result: number): void {
    if (result < 0) {
      this.isBroken = true;
      this.waiting.length = 0;
      this.kept = 0;
      this.underWay = 0;
      return;
    }
    this.underWay -= result;
    this.pushes--;
    this.sent += result;
    this.goOn();
  }

  /** Sends what is kept, as far as it can be now. */
  goOn(): void {
    while (this.waiting.length !== 0 && this.underWay < MOST_UNDER_WAY && this.pushes < MOST_PUSHES) {
      const first = this.waiting[0];
      const some = Math.min(first.end - this.offset, LARGEST_PUSH);
      if (!this.push(first.bytes, this.offset, some)) return;
      this.pushes++;
      this.kept -= some;
      this.offset += some;
      if (this.offset < first.end) continue;
      this.offset = 0;
      this.waiting.shift();
    }
  }
}

/** To a queue of the libOS: by way of the arena. */
export class QueueOutput extends Output {
  private readonly held: Sga[] = [];

  constructor(
    private readonly os: LibOS,
    private readonly qd: QueueDescriptor,
    gate?: Gate,
  ) {
    super(gate);
  }

  protected push(bytes: Buffer, from: number, length: number): boolean {
    let sga: Sga;
    try {
      sga = this.os.alloc(length);
    } catch {
      return false;
    }
    copyBytes(bytes, from, length, withWords(this.os.sga.view(sga)), this.os.sga.offset(sga));
    if (this.gate?.isClosed) {
      this.held.push(sga);
      this.gate.hold(this);
    } else {
      this.os.push(this.qd, sga, PushFlag.FREE);
    }
    this.underWay += length;
    return true;
  }

  release(): void {
    const sga = this.held.shift() as Sga;
    if (this.isBroken) this.os.free(sga);
    else this.os.push(this.qd, sga, PushFlag.FREE);
  }

  close(): void {
    this.os.close(this.qd);
  }
}
