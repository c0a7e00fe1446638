/** node:dgram over any backend of Demikernel. */
import type { RemoteInfo, Socket, SocketType } from "node:dgram";
import { DatagramSocket } from "./dgram/socket.js";
import type { DatagramSocketOptions } from "./dgram/socket-options.js";

export { DatagramSocket } from "./dgram/socket.js";
export type { DatagramSocketOptions } from "./dgram/socket-options.js";

/** A socket for datagrams, which go through the libOS. */
export function createSocket(
  type: SocketType | DatagramSocketOptions,
  listener?: (message: Buffer, from: RemoteInfo) => void,
): Socket {
  return new DatagramSocket(type, listener) as unknown as Socket;
}
