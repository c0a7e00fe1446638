/**
 * What stands where node:net's Socket was. `new net.Socket()`, and classes that extend it, are over the libOS; who has a handle or a
 * descriptor, or calls it as a function on what is a Socket already (tls, tty and child_process do), has Node's. Its prototype is ours: who
 * wraps `net.Socket.prototype.connect`, as tracing does, finds that of all that connect.
 */
import type { SocketConstructorOpts } from "node:net";
// Those that inherit from Node's, before the other is there.
import "node:tls";
import "node:tty";
import { NodeSocket } from "../node-socket.js";
import { Socket } from "../socket.js";
import type { SocketOptions } from "../socket-options.js";

type Constructor = { prototype: object };
type Callable = (this: unknown, ...args: unknown[]) => unknown;

const original = NodeSocket as unknown as Callable & Constructor;
const ours = Socket as unknown as Constructor;

export const SocketOverLibOS: typeof NodeSocket = new Proxy(NodeSocket, {
  construct(_, args, newTarget): object {
    const isItself = newTarget === SocketOverLibOS;
    const { prototype } = newTarget as unknown as Constructor;
    if (isOfKernel(args[0])) {
      if (isItself) return new NodeSocket(args[0]);
      inherit(prototype, original, ours);
      return Reflect.construct(NodeSocket, args, newTarget);
    }
    if (isItself) return new Socket(args[0] as SocketOptions | undefined);
    inherit(prototype, ours, original);
    return Reflect.construct(Socket, args, newTarget);
  },

  apply(_, self, args) {
    if (!(self instanceof NodeSocket)) return new SocketOverLibOS(args[0]);
    inherit(Object.getPrototypeOf(self), original, ours);
    return original.apply(self, args);
  },

  get(target, name, receiver) {
    if (name === "prototype") return Socket.prototype;
    if (name === Symbol.hasInstance) return isInstance;
    return Reflect.get(target, name, receiver);
  },
});
Object.defineProperty(Socket.prototype, "constructor", { value: SocketOverLibOS, configurable: true, writable: true });

/** All sockets are of this class, also the kernel's; classes that extend it inherit this. */
function isInstance(this: unknown, value: unknown): boolean {
  if (this === SocketOverLibOS) return value instanceof NodeSocket;
  return (Function.prototype[Symbol.hasInstance] as (this: unknown, value: unknown) => boolean).call(this, value);
}

function isOfKernel(options: unknown): boolean {
  if (typeof options === "number") return true;
  if (typeof options !== "object" || options === null) return false;
  const { handle, fd } = options as { handle?: unknown } & SocketConstructorOpts;
  return Boolean(handle) || fd !== undefined;
}

/** The prototype of who extends Socket inherits from that one, from the first instance on. */
function inherit(prototype: object, from: Constructor, instead: Constructor): void {
  for (let each = prototype; ; ) {
    const above = Object.getPrototypeOf(each) as object | null;
    if (above === null || above === from.prototype) return;
    if (above === instead.prototype) {
      Object.setPrototypeOf(each, from.prototype);
      return;
    }
    each = above;
  }
}
