/** From strings and bytes to pushes: into the arena once, as they lie side by side, in pieces that the device takes. */
import type { AsyncResource } from "node:async_hooks";
import { DemiError, type LibOS, PushFlag, type QueueDescriptor, type Sga } from "@demikernel/core";
import { presentContext } from "./context.js";
import type { Chunk, Done } from "./link.js";

/** Bytes of one push, and of one connection on their way at most: the arena is everybody's. */
const LARGEST_PUSH = 64 * 1024;
const MOST_UNSENT = 256 * 1024;
/** Pushes of one connection on their way at most: backends take 1024 of a queue. */
const MOST_PUSHES = 512;
/** What is certain to be no more is written into a slot of that size unmeasured. */
const UNMEASURED = 4096;

export interface Piece {
  chunk: Chunk;
  encoding: BufferEncoding;
}

export function bytesIn(pieces: readonly Piece[]): number {
  let bytes = 0;
  for (const { chunk, encoding } of pieces) {
    bytes += typeof chunk === "string" ? Buffer.byteLength(chunk, encoding) : chunk.length;
  }
  return bytes;
}

export class Outgoing {
  /** Bytes that were taken. */
  taken = 0;
  /** Bytes of these whose pushes have not ended. */
  unsent = 0;
  private pushes = 0;
  private pieces: readonly Piece[] = NONE;
  /** The piece that is next, and where in it. */
  private next = 0;
  private at = 0;
  /** Bytes of the pieces that are left. */
  private rest = 0;
  private done: Done | undefined;
  /** Where `done` waits for a completion: in whose name it is told. */
  private context: AsyncResource | undefined;
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

  private get isFull(): boolean {
    return this.unsent >= MOST_UNSENT || this.pushes >= MOST_PUSHES;
  }

  get isWaiting(): boolean {
    return this.done !== undefined;
  }

  /** As {@link sendAll}, of one. */
  send(chunk: Chunk, encoding: BufferEncoding, done: Done): void {
    const { one } = this;
    one[0].chunk = chunk;
    one[0].encoding = encoding;
    this.sendAll(one, done);
  }

  /** `done` when all of them were taken and more may come; one call at a time. Throws what pushing fails with. */
  sendAll(pieces: readonly Piece[], done: Done): void {
    let most = 0;
    for (const piece of pieces) most += mostOf(piece);
    if (most > UNMEASURED || !this.sendUnmeasured(pieces, most)) {
      this.pieces = pieces;
      this.next = 0;
      this.at = 0;
      this.rest = bytesIn(pieces);
      this.taken += this.rest;
    }
    this.done = done;
    this.goOn();
    // Told later, by a completion: in the name of who writes.
    if (this.done !== undefined) this.context = presentContext();
  }

  /** A push has ended. */
  ended(bytes: number): void {
    this.unsent -= bytes;
    this.pushes--;
    if (this.done !== undefined) this.goOn();
  }

  /** Sends what waits, as far as it can be now. */
  goOn(): void {
    while (this.rest > 0) {
      if (this.isFull) return;
      const some = Math.min(this.rest, LARGEST_PUSH);
      const sga = this.room(some);
      if (sga === 0) return;
      const { next, at } = this;
      this.fill(sga, some);
      if (!this.push(sga, some)) {
        this.next = next;
        this.at = at;
        return;
      }
      this.rest -= some;
    }
    this.pieces = NONE;
    const { done, context } = this;
    if (done === undefined || this.isFull) return;
    this.done = undefined;
    this.context = undefined;
    if (context === undefined) done();
    else context.runInAsyncScope(done);
  }

  /** Nothing more is sent. Whoever waits hears nothing: returned, if somebody does. */
  forget(): Done | undefined {
    const { done, context } = this;
    this.pieces = NONE;
    this.rest = 0;
    this.done = undefined;
    this.context = undefined;
    return context === undefined || done === undefined
      ? done
      : (error) => context.runInAsyncScope(done, undefined, error);
  }

  /** All of them in one slot, strings written where they go. False: there is no memory now. */
  private sendUnmeasured(pieces: readonly Piece[], most: number): boolean {
    if (most === 0) return true;
    const sga = this.room(most);
    if (sga === 0) return false;
    const { os } = this;
    const view = os.sga.view(sga);
    const start = os.sga.offset(sga);
    let at = start;
    for (const { chunk, encoding } of pieces) {
      if (typeof chunk === "string") at += writeText(view, chunk, encoding, at, start + most - at);
      else at += copyIn(view, chunk, at, 0, chunk.length);
    }
    const length = at - start;
    if (length !== most) os.sga.trim(sga, 0, length);
    if (!this.push(sga, length)) return false;
    this.taken += length;
    return true;
  }

  /** The next `length` bytes of the pieces. */
  private fill(sga: Sga, length: number): void {
    const { os } = this;
    const view = os.sga.view(sga);
    let to = os.sga.offset(sga);
    const end = to + length;
    while (to < end) {
      const { encoding } = this.pieces[this.next];
      let { chunk } = this.pieces[this.next];
      // A string that goes into several slots becomes bytes first.
      if (typeof chunk === "string") {
        chunk = Buffer.from(chunk, encoding);
        if (chunk.length > end - to) this.pieces = replaced(this.pieces, this.next, chunk);
      }
      const some = Math.min(chunk.length - this.at, end - to);
      to += copyIn(view, chunk, to, this.at, this.at + some);
      this.at += some;
      if (this.at < chunk.length) continue;
      this.next++;
      this.at = 0;
    }
  }

  private room(bytes: number): Sga {
    try {
      return this.os.alloc(bytes);
    } catch (error) {
      if (!(error instanceof DemiError) || error.code !== "ENOBUFS") throw error;
      this.awaitMemory();
      return 0 as Sga;
    }
  }

  /** False: the libOS takes no more operations now, of anybody. */
  private push(sga: Sga, length: number): boolean {
    try {
      this.os.push(this.qd, sga, PushFlag.FREE);
    } catch (error) {
      this.os.free(sga);
      if (!(error instanceof DemiError) || error.code !== "EAGAIN") throw error;
      this.awaitMemory();
      return false;
    }
    this.unsent += length;
    this.pushes++;
    return true;
  }
}

const NONE: readonly Piece[] = [];

const isLatin1 = (encoding: BufferEncoding): boolean =>
  encoding === "latin1" || encoding === "binary" || encoding === "ascii";

/** Bytes that it takes at most: UTF-8 has three for each of a string's units. What is not known at a glance is {@link UNMEASURED} and more. */
function mostOf({ chunk, encoding }: Piece): number {
  if (typeof chunk !== "string" || isLatin1(encoding)) return chunk.length;
  if (encoding === "utf8" || encoding === "utf-8") return chunk.length * 3;
  return chunk.length === 0 ? 0 : UNMEASURED + 1;
}

type Write = (this: Uint8Array, text: string, at: number, most: number) => number;
const { utf8Write, latin1Write } = Buffer.prototype as unknown as { utf8Write: Write; latin1Write: Write };

/** Buffer's write() takes a Buffer; a slot's view is none. */
function writeText(view: Uint8Array, text: string, encoding: BufferEncoding, at: number, most: number): number {
  return (isLatin1(encoding) ? latin1Write : utf8Write).call(view, text, at, most);
}

/** So few are copied sooner one by one than by a call out of compiled code. */
const FEW = 32;

function copyIn(view: Uint8Array, bytes: Uint8Array, to: number, from: number, end: number): number {
  const length = end - from;
  if (length <= FEW) for (let i = 0; i < length; i++) view[to + i] = bytes[from + i];
  else view.set(from === 0 && end === bytes.length ? bytes : bytes.subarray(from, end), to);
  return length;
}

function replaced(pieces: readonly Piece[], i: number, chunk: Chunk): Piece[] {
  const copy = [...pieces];
  copy[i] = { chunk, encoding: "utf8" };
  return copy;
}
