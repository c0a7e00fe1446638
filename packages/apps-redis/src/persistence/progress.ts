/** Lines that tell how far loading is. */
import { basename } from "node:path";
import { shortBytes } from "../numbers/short-bytes.js";
import type { Server } from "../server/server.js";

/** Milliseconds between two. */
const TOLD = 5000;

/** To be called often: with bytes that were read, and all there are. */
export function progressOf(server: Server, path: string): (loaded: number, total: number) => void {
  let told = performance.now();
  return (loaded, total) => {
    if (performance.now() - told < TOLD) return;
    told = performance.now();
    const { keys, left } = server.loading;
    server.note(
      `loading ${basename(path)}: ${shortBytes(loaded)} of ${shortBytes(total)}, ${keys} keys, about ${left} seconds are left`,
    );
  };
}
