/** node:net over any backend of Demikernel: the names, events and errors are node:net's, the bytes go through the libOS that is installed. */
import diagnostics from "node:diagnostics_channel";
import type { NetConnectOpts, ServerOpts } from "node:net";
import { callable } from "./callable.js";
import { normalizedConnect } from "./connect-arguments.js";
import { type ConnectionListener, Server as ServerClass } from "./server.js";
import { Socket as SocketClass } from "./socket.js";
import type { SocketOptions } from "./socket-options.js";

export {
  BlockList,
  getDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  isIP,
  isIPv4,
  isIPv6,
  SocketAddress,
  setDefaultAutoSelectFamily,
  setDefaultAutoSelectFamilyAttemptTimeout,
} from "node:net";
export type { SocketError } from "./errors.js";
export type { ReadInto } from "./link.js";
export { type ServeOptions, serve } from "./serve.js";
export type { ConnectionListener } from "./server.js";
export type { SocketOptions } from "./socket-options.js";
export { close, open } from "./stack.js";

export const Server = callable(ServerClass);
export type Server = ServerClass;
export const Socket = callable(SocketClass);
export type Socket = SocketClass;
export { Socket as Stream };

const made = diagnostics.channel("net.client.socket");

/** A server whose connections come from the libOS. */
export function createServer(options?: ServerOpts | ConnectionListener, listener?: ConnectionListener): Server {
  return new ServerClass(options, listener);
}

/** A socket that is being connected through the libOS; to a path, through the kernel. */
export function connect(options: NetConnectOpts & SocketOptions, listener?: () => void): Socket;
export function connect(port: number, host?: string, listener?: () => void): Socket;
export function connect(port: number, listener?: () => void): Socket;
export function connect(path: string, listener?: () => void): Socket;
export function connect(...args: unknown[]): Socket {
  const { options } = normalizedConnect(args);
  const socket = new SocketClass(options as SocketOptions);
  if (made.hasSubscribers) made.publish({ socket });
  const { timeout } = options;
  if (typeof timeout === "number" && timeout !== 0) socket.setTimeout(timeout);
  return socket.connect(...args);
}
export { connect as createConnection };
