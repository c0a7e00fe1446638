/** What Socket extends: an EventEmitter whose chain of prototypes has node:dgram's Socket in it, so that `instanceof` holds. */
import dgram from "node:dgram";
import { EventEmitter } from "node:events";

class EmitterOfSocket extends EventEmitter {}
// Only the chain: what is made is an EventEmitter, without a handle of the kernel's.
Object.setPrototypeOf(EmitterOfSocket.prototype, dgram.Socket.prototype);

export const NodeDatagramSocketBase = EmitterOfSocket;
