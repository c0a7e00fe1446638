/** Peers that are not this libOS: node:net and node:dgram on this thread's event loop, or what the target brings instead. */
import assert from "node:assert/strict";
import dgram from "node:dgram";
import { once } from "node:events";
import net from "node:net";
import type { Duplex } from "node:stream";
import type { Address, LibOS, QueueDescriptor, SocketOptions } from "@demikernel/core";
import type { CaseContext } from "./case.js";
import { listener } from "./channels.js";
import { completion } from "./turns.js";

/** What the cases use of a net.Socket. Its end() closes one direction, unless the target says otherwise. */
export interface PeerSocket extends Duplex {
  readonly localAddress?: string;
  readonly localPort?: number;
  /** Ends the connection with a reset. */
  resetAndDestroy(): unknown;
}

export interface PeerServer extends Address {
  close(): void;
}

export interface PeerDatagramSocket extends Address {
  send(data: Uint8Array | string, port: number, host: string): void;
  close(): void;
}

/** A way to make peers. */
export interface Peers {
  connect(to: Address): Promise<PeerSocket>;
  listen(host: string, onConnection: (socket: PeerSocket) => void): Promise<PeerServer>;
  datagram(host: string, onMessage: (data: Buffer, from: Address) => void): Promise<PeerDatagramSocket>;
}

/** The host's own sockets. */
const hostPeers: Peers = {
  async connect(to) {
    const socket = net.connect({ host: to.host, port: to.port, allowHalfOpen: true, noDelay: true });
    try {
      await once(socket, "connect");
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return socket;
  },

  async listen(host, onConnection) {
    const server = net.createServer({ allowHalfOpen: true }, onConnection);
    server.listen(0, host);
    await once(server, "listening");
    const { address, port } = server.address() as net.AddressInfo;
    return { host: address, port, close: () => server.close() };
  },

  async datagram(host, onMessage) {
    const socket = dgram.createSocket(net.isIPv6(host) ? "udp6" : "udp4");
    socket.on("message", (data, from) => onMessage(data, { host: from.address, port: from.port }));
    socket.bind(0, host);
    await once(socket, "listening");
    const { address } = socket.address();
    return {
      host: address,
      port: socket.address().port,
      send: (data, port, to) => socket.send(data, port, to),
      close: () => void socket.close(),
    };
  },
};

const peersOf = (context: CaseContext) => context.target.peers ?? hostPeers;

/** A server of the peer's; `connections` grows as they come. */
export async function netServer(context: CaseContext, family: 4 | 6, onConnection?: (socket: PeerSocket) => void) {
  const connections: PeerSocket[] = [];
  const server = await peersOf(context).listen(context.peerHost(family), (socket) => {
    connections.push(socket);
    socket.on("error", () => undefined);
    onConnection?.(socket);
  });
  context.defer(() => {
    for (const socket of connections) socket.destroy();
    server.close();
  });
  return { host: server.host, port: server.port, connections };
}

/** A client of the peer's, connected to an address. */
export async function netClient(context: CaseContext, to: Address): Promise<PeerSocket> {
  const socket = await peersOf(context).connect(to);
  context.defer(() => {
    socket.destroy();
  });
  socket.on("error", () => undefined);
  return socket;
}

/** A queue of the libOS that a client of the peer's has connected to. */
export async function acceptedFromNet(
  context: CaseContext,
  os: LibOS,
  options: SocketOptions = {},
): Promise<{ qd: QueueDescriptor; socket: PeerSocket }> {
  const server = listener(context, os, options);
  const accepting = os.accept(server.qd);
  // The libOS may have to be polled for the connection to come about: a stack in this process answers when it is asked to.
  const [socket, accepted] = await Promise.all([netClient(context, server), completion(context, os, accepting)]);
  assert.equal(accepted.result, 0, "accept");
  os.close(server.qd);
  return { qd: accepted.newQd, socket };
}

/** Everything a peer's socket receives, until it ends. */
export function received(socket: PeerSocket): { readonly bytes: () => Buffer; readonly ended: () => boolean } {
  const parts: Buffer[] = [];
  let ended = false;
  socket.on("data", (part: Buffer) => parts.push(part));
  socket.on("end", () => {
    ended = true;
  });
  return { bytes: () => Buffer.concat(parts), ended: () => ended };
}

/** A datagram socket of the peer's; `messages` grows as they come. */
export async function dgramPeer(context: CaseContext, family: 4 | 6) {
  const messages: { data: Buffer; host: string; port: number }[] = [];
  const socket = await peersOf(context).datagram(context.peerHost(family), (data, { host, port }) =>
    messages.push({ data, host, port }),
  );
  context.defer(() => socket.close());
  return { socket, messages, host: socket.host, port: socket.port };
}
