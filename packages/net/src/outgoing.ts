/** From strings and bytes to pushes: into the arena once, in pieces, as many as the device takes. */
import { DemiError, type LibOS, PushFlag, type QueueDescriptor } from "@demikernel/core";
import type { Chunk, Done } from "./link.js";

/** Bytes of one push, and of one connection on their way at most: the arena is everybody's. */
const LARGEST_PUSH = 64 * 1024;
const MOST_UNSENT = 256 * 1024;
/** What is certain to be no more goes into one slot, its strings unmeasured. */
const TOGETHER = 4096;

export interface Piece {
  chunk: Chunk;
  encoding: BufferEncoding;
}

export class Outgoing {
  /** Bytes that were taken. */
  taken = 0;
  /** Bytes of these whose pushes have not ended. */
  unsent = 0;
  private bytes: Uint8Array | undefined;
  private at = 0;
  private done: Done | undefined;
  private readonly one: [Piece] = [{ chunk: "", encoding: "utf8" }];

  constructor(
    private readonly os: LibOS,
    private readonly qd: QueueDescriptor,
    private readonly awaitMemory: () => void,
  ) {}

  /** Nothing is on its way, and nothing waits. */
  get isIdle(): boolean {
    return this.unsent === 0 && this.done === undefined;
  }

  get isWaiting(): boolean {
    return this.done !== undefined;
  }

  /** `done` when all of it was taken and more may come. One at a time. Throws what pushing fails with. */
  send(chunk: Chunk, encoding: BufferEncoding, done: Done): void {
    if (typeof chunk === "string") {
      this.one[0].chunk = chunk;
      this.one[0].encoding = encoding;
      if (this.sendTogether(this.one, done)) return;
      chunk = Buffer.from(chunk, encoding);
    }
    this.bytes = chunk;
    this.at = 0;
    this.taken += chunk.length;
    this.done = done;
    this.goOn();
  }

  /** A push has ended. */
  ended(bytes: number): void {
    this.unsent -= bytes;
    if (this.done !== undefined) this.goOn();
  }

  /** Sends what waits, as far as it can be now. */
  goOn(): void {
    const { bytes } = this;
    if (bytes !== undefined) {
      while (this.at < bytes.length) {
        if (this.unsent >= MOST_UNSENT) return;
        const some = Math.min(bytes.length - this.at, LARGEST_PUSH);
        const sga = this.room(some);
        if (sga === 0) return;
        const { os } = this;
        const view = os.sga.view(sga);
        const from = some === bytes.length ? bytes : bytes.subarray(this.at, this.at + some);
        view.set(from, os.sga.offset(sga));
        this.push(sga, some);
        this.at += some;
      }
      this.bytes = undefined;
    }
    const { done } = this;
    if (done === undefined || this.unsent >= MOST_UNSENT) return;
    this.done = undefined;
    done();
  }

  /** Nothing more is sent; whoever waits is told why. */
  abandon(error: Error | null): void {
    const { done } = this;
    this.bytes = undefined;
    this.done = undefined;
    done?.(error);
  }

  private afterTaking(done: Done): void {
    if (this.unsent < MOST_UNSENT) done();
    else this.done = done;
  }

  /** All of them in one slot, strings written where they go. False where they take more than that, or there is no memory now. */
  sendTogether(chunks: readonly Piece[], done: Done): boolean {
    let most = 0;
    for (const piece of chunks) most += mostOf(piece.chunk, piece.encoding);
    // What waits goes first.
    if (most > TOGETHER || this.done !== undefined) return false;
    if (most === 0) {
      done();
      return true;
    }
    const { os } = this;
    const sga = this.room(most);
    if (sga === 0) return false;
    const view = os.sga.view(sga);
    const start = os.sga.offset(sga);
    let at = start;
    for (const { chunk, encoding } of chunks) {
      if (typeof chunk === "string") at += (isLatin1(encoding) ? latin1Write : utf8Write).call(view, chunk, at, start + most - at);
      else {
        view.set(chunk, at);
        at += chunk.length;
      }
    }
    const length = at - start;
    if (length !== most) os.sga.trim(sga, 0, length);
    this.taken += length;
    this.push(sga, length);
    this.afterTaking(done);
    return true;
  }

  private room(bytes: number): ReturnType<LibOS["alloc"]> | 0 {
    try {
      return this.os.alloc(bytes);
    } catch (error) {
      if (!(error instanceof DemiError) || error.code !== "ENOBUFS") throw error;
      this.awaitMemory();
      return 0;
    }
  }

  private push(sga: ReturnType<LibOS["alloc"]>, length: number): void {
    try {
      this.os.push(this.qd, sga, PushFlag.FREE);
    } catch (error) {
      this.os.free(sga);
      throw error;
    }
    this.unsent += length;
  }
}

type Write = (this: Uint8Array, text: string, at: number, most: number) => number;
const { utf8Write, latin1Write } = Buffer.prototype as unknown as { utf8Write: Write; latin1Write: Write };

const isLatin1 = (encoding: BufferEncoding): boolean =>
  encoding === "latin1" || encoding === "binary" || encoding === "ascii";

/** Bytes that it takes at most: UTF-8 has three for each of a string's units. Of other encodings it is too much for {@link TOGETHER}. */
function mostOf(chunk: Chunk, encoding: BufferEncoding): number {
  if (typeof chunk !== "string") return chunk.length;
  if (isLatin1(encoding)) return chunk.length;
  if (encoding === "utf8" || encoding === "utf-8") return chunk.length * 3;
  return chunk.length === 0 ? 0 : Number.POSITIVE_INFINITY;
}
