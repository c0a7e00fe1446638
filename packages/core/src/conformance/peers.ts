/** Peers that are not ours: the kernel's sockets through node:net and node:dgram, on this thread's event loop. */
import assert from "node:assert/strict";
import dgram from "node:dgram";
import { once } from "node:events";
import net from "node:net";
import type { LibOS, QueueDescriptor, SocketOptions } from "../types.js";
import type { CaseContext } from "./case.js";
import { listener } from "./channels.js";
import { completion } from "./turns.js";

/** A node:net server; `connections` grows as they come. */
export async function netServer(context: CaseContext, family: 4 | 6, onConnection?: (socket: net.Socket) => void) {
  const connections: net.Socket[] = [];
  const server = net.createServer({ allowHalfOpen: true }, (socket) => {
    connections.push(socket);
    socket.on("error", () => undefined);
    onConnection?.(socket);
  });
  server.listen(0, context.host(family));
  await once(server, "listening");
  context.defer(() => {
    for (const socket of connections) socket.destroy();
    server.close();
  });
  const { address, port } = server.address() as net.AddressInfo;
  return { host: address, port, connections };
}

/** A node:net client connected to an address. */
export async function netClient(context: CaseContext, to: { host: string; port: number }): Promise<net.Socket> {
  const socket = net.connect({ host: to.host, port: to.port, allowHalfOpen: true, noDelay: true });
  context.defer(() => {
    socket.destroy();
  });
  await once(socket, "connect");
  socket.on("error", () => undefined);
  return socket;
}

/** A queue of the libOS that a node:net client has connected to. */
export async function acceptedFromNet(
  context: CaseContext,
  os: LibOS,
  options: SocketOptions = {},
): Promise<{ qd: QueueDescriptor; socket: net.Socket }> {
  const server = listener(context, os, options);
  const accepting = os.accept(server.qd);
  const socket = await netClient(context, server);
  const accepted = await completion(context, os, accepting);
  assert.equal(accepted.result, 0, "accept");
  os.close(server.qd);
  return { qd: accepted.newQd, socket };
}

/** Everything a node:net socket receives, until it ends. */
export function received(socket: net.Socket): { readonly bytes: () => Buffer; readonly ended: () => boolean } {
  const parts: Buffer[] = [];
  let ended = false;
  socket.on("data", (part: Buffer) => parts.push(part));
  socket.on("end", () => {
    ended = true;
  });
  return { bytes: () => Buffer.concat(parts), ended: () => ended };
}

/** A node:dgram socket; `messages` grows as they come. */
export async function dgramPeer(context: CaseContext, family: 4 | 6) {
  const socket = dgram.createSocket(family === 6 ? "udp6" : "udp4");
  const messages: { data: Buffer; host: string; port: number }[] = [];
  socket.on("message", (data, from) => messages.push({ data, host: from.address, port: from.port }));
  socket.bind(0, context.host(family));
  await once(socket, "listening");
  context.defer(() => {
    socket.close();
  });
  const { address, port } = socket.address();
  return { socket, messages, host: address, port };
}
