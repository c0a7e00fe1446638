/** node:net over any backend of Demikernel: the names, events and errors are node:net's, the bytes go through the libOS that is installed. */
import type { ServerOpts } from "node:net";
import { callable } from "./callable.js";
import { type ConnectionListener, Server as ServerClass } from "./server.js";
import { Socket as SocketClass } from "./socket.js";

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
export { Agent, HttpsAgent } from "./agent.js";
export { connect, connect as createConnection } from "./connect.js";
export { type Connector, type ConnectorOptions, connector } from "./connector.js";
export { createSocket, DatagramSocket, type DatagramSocketOptions } from "./dgram.js";
export type { SocketError } from "./errors.js";
export type { ReadInto } from "./link.js";
export { type ServeOptions, serve } from "./serve.js";
export type { ConnectionListener } from "./server.js";
export type { SocketOptions } from "./socket-options.js";
export { close, open, share } from "./stack.js";
export { connectTLS, createTLSServer, type SecureListener, TLSServer } from "./tls.js";

export const Server = callable(ServerClass);
export type Server = ServerClass;
export const Socket = callable(SocketClass);
export type Socket = SocketClass;
export { Socket as Stream };

/** A server whose connections come from the libOS. */
export function createServer(options?: ServerOpts | ConnectionListener, listener?: ConnectionListener): Server {
  return new ServerClass(options, listener);
}
