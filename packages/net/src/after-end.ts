/** A socket whose peer has ended, where nothing half open is wanted: what is written from now on fails with a word about the peer. */
import { Duplex } from "node:stream";
import { endedByPeer } from "./errors.js";

interface Ended extends Duplex {
  write(...args: unknown[]): boolean;
}

/** A listener for "end". */
export function onEnd(this: Ended): void {
  if (!this.allowHalfOpen) this.write = writeAfterEnd;
}

function writeAfterEnd(this: Ended, chunk: unknown, encoding?: unknown, callback?: unknown): boolean {
  if (!this.writableEnded) {
    return (Duplex.prototype.write as (...args: unknown[]) => boolean).call(this, chunk, encoding, callback);
  }
  const done = typeof encoding === "function" ? encoding : callback;
  const error = endedByPeer();
  if (typeof done === "function") process.nextTick(done as () => void, error);
  this.destroy(error);
  return false;
}
