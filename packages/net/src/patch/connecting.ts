/** node:net, node:tls and node:http connect through the libOS. */
import http from "node:http";
import net from "node:net";
import tls from "node:tls";
import { connect } from "../connect.js";
import { connectTLS } from "../tls.js";
import { SocketOverLibOS } from "./socket-class.js";

export function patchConnecting(): void {
  Object.assign(net, { connect, createConnection: connect, Socket: SocketOverLibOS, Stream: SocketOverLibOS });
  Object.assign(tls, { connect: connectTLS });
  // Taken from node:net when node:http was loaded.
  Object.assign(http.Agent.prototype, { createConnection: connect });
}
