/** net.connect() of node:net over a libOS. */
import diagnostics from "node:diagnostics_channel";
import type { NetConnectOpts } from "node:net";
import { nodeArguments } from "./connect-arguments.js";
import { Socket } from "./socket.js";
import type { SocketOptions } from "./socket-options.js";

const made = diagnostics.channel("net.client.socket");

/** A socket that is being connected through the libOS; to a path, through the kernel. */
export function connect(options: NetConnectOpts & SocketOptions, listener?: () => void): Socket;
export function connect(port: number, host?: string, listener?: () => void): Socket;
export function connect(port: number, listener?: () => void): Socket;
export function connect(path: string, listener?: () => void): Socket;
export function connect(...args: unknown[]): Socket {
  // As Node calls it, for who wraps connect().
  const normalized = nodeArguments(args);
  const [options] = normalized;
  const socket = new Socket(options as SocketOptions);
  if (made.hasSubscribers) made.publish({ socket });
  const { timeout } = options;
  if (typeof timeout === "number" && timeout !== 0) socket.setTimeout(timeout);
  return socket.connect(normalized);
}
