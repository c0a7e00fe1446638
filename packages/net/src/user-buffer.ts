/** node:net's `onread`: bytes are copied into a buffer of the user's, and its function is told. What comes while nobody reads is held back. */
import type { Sga } from "@demikernel/core";
import type { ReadInto } from "./link.js";

export interface Held {
  result: number;
  sga: Sga;
}

export class UserBuffer {
  /** A pop that ended after readStop(): told at readStart(). */
  held: Held | undefined;
  private buffer: Uint8Array | undefined;

  constructor(private readonly into: ReadInto) {}

  /** Bytes that the next pop may bring. */
  get room(): number {
    return this.next().length;
  }

  /** The one that is filled next. */
  private next(): Uint8Array {
    const { buffer } = this.into;
    this.buffer ??= typeof buffer === "function" ? buffer() : buffer;
    return this.buffer;
  }

  fill(bytes: Uint8Array): Uint8Array {
    const buffer = this.next();
    this.buffer = undefined;
    buffer.set(bytes);
    return buffer;
  }

  /** False: no more now. */
  tell(user: unknown, length: number, buffer: Uint8Array): boolean {
    return this.into.callback.call(user, length, buffer) !== false;
  }

  /** What was held back, which is the caller's now. */
  release(): Held | undefined {
    const { held } = this;
    this.held = undefined;
    return held;
  }
}
