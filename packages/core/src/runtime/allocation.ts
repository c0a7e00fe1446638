/** Memory that the magazines of the arena do not have: asked for across the boundary. */
import { DemiError } from "../errors.js";
import { Layout } from "../layout.js";
import type { Sga } from "../types.js";
import type { Runtime } from "./runtime.js";

/**
 * A chain of segments, or one segment when the magazines ran out: frees that still sit in the submission ring may make room. Throws
 * EINVAL, EMSGSIZE, ENOBUFS.
 */
export function allocate(runtime: Runtime, size: number | readonly number[]): Sga {
  if (typeof size !== "number" && !Array.isArray(size)) {
    throw new DemiError("EINVAL", "alloc", `size is ${typeof size}, not bytes or an array of them`);
  }
  const sizes: number[] = typeof size === "number" ? [size] : [...size];
  if (sizes.length < 1 || sizes.length > Layout.MAX_SEGMENTS) {
    throw new DemiError("EINVAL", "alloc", `${sizes.length} segments, not 1 to ${Layout.MAX_SEGMENTS}`);
  }
  for (const each of sizes) checkSize(each, runtime.arena.largest);
  runtime.flush();
  const sga = runtime.native.allocChain(sizes) as Sga;
  if (sga !== 0) return sga;
  throw new DemiError("ENOBUFS", "alloc", 'the arena has no free slot that fits (options "arena" and "traceMemory")');
}

function checkSize(size: number, largest: number): void {
  if (!Number.isInteger(size) || size < 0) throw new DemiError("EINVAL", "alloc", `size is ${size}, not bytes`);
  if (size > largest) throw new DemiError("EMSGSIZE", "alloc", `${size} bytes, above the largest slot of ${largest}`);
}
