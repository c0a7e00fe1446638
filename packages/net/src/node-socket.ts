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

/** As it was when this was loaded: what register puts in its place makes ours. */
export const NodeSocket = net.Socket;

class DuplexOfSocket extends Duplex {}
// Only the chain of prototypes: what is made is a Duplex, by one hidden class for all.
Object.setPrototypeOf(DuplexOfSocket.prototype, NodeSocket.prototype);

export const NodeSocketBase = DuplexOfSocket as unknown as Base;
