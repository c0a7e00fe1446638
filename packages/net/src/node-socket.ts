/**
 * What Socket extends: node:net's Socket by its prototype, so that `instanceof` holds and what works above the handle is inherited (end,
 * destroySoon, readyState, the getters over _getpeername), but made as a Duplex, without a handle of the kernel's.
 */
import net from "node:net";
import { Duplex, type DuplexOptions } from "node:stream";

/** What is inherited of it. */
export interface Inherited extends Duplex {
  readonly readyState: net.SocketReadyState;
  readonly remoteAddress?: string;
  readonly remoteFamily?: string;
  readonly remotePort?: number;
  readonly localAddress?: string;
  readonly localFamily?: string;
  readonly localPort?: number;
  address(): net.AddressInfo | object;
  destroySoon(): void;
}

type Base = new (options?: DuplexOptions) => Inherited;

/** Where Node's own is found by another copy of this package, behind what register puts in its place. */
const ORIGINAL = Symbol.for("@demikernel/net/node-socket");

/** Node's own: what register puts in its place makes ours. */
export const NodeSocket: typeof net.Socket = (net.Socket as { [ORIGINAL]?: typeof net.Socket })[ORIGINAL] ?? net.Socket;
Object.defineProperty(NodeSocket, ORIGINAL, { value: NodeSocket, configurable: true });

class DuplexOfSocket extends Duplex {}
// Only the chain of prototypes: what is made is a Duplex, by one hidden class for all.
Object.setPrototypeOf(DuplexOfSocket.prototype, NodeSocket.prototype);

export const NodeSocketBase = DuplexOfSocket as unknown as Base;
