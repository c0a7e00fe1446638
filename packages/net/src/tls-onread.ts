/** The `onread` of tls.connect(): what a TLSSocket reads is copied into a buffer of the user's. Node does so only for one that has no socket below. */
import type { TLSSocket } from "node:tls";
import type { ReadInto } from "./link.js";

export function readInto(socket: TLSSocket, { buffer, callback }: ReadInto): void {
  const { push, resume } = socket;
  let into: Uint8Array | undefined;

  socket.push = (bytes: Uint8Array | null) => {
    if (bytes === null) return push.call(socket, null);
    let wantsMore = true;
    for (let at = 0; at < bytes.length; ) {
      into ??= typeof buffer === "function" ? buffer() : buffer;
      const some = Math.min(into.length, bytes.length - at);
      into.set(bytes.subarray(at, at + some));
      at += some;
      const filled = into;
      into = undefined;
      wantsMore = callback(some, filled) !== false && wantsMore;
    }
    // False: Node stops reading.
    return wantsMore;
  };

  socket.resume = () => {
    resume.call(socket);
    if (!socket.connecting && !socket.destroyed) socket._read(0);
    return socket;
  };
}
