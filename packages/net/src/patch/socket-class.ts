/**
 * What stands where node:net's Socket was. `new net.Socket()` and classes that extend it are over the libOS; whoever has a handle or a
 * descriptor, or calls it as a function on what is a Socket already (tls, tty and child_process do), has Node's.
 */
import type { SocketConstructorOpts } from "node:net";
import { NodeSocket } from "../node-socket.js";
import { Socket } from "../socket.js";
import type { SocketOptions } from "../socket-options.js";

type Constructor = { prototype: object };
type Callable = (this: unknown, ...args: unknown[]) => unknown;

const original = NodeSocket as unknown as Callable & Constructor;
const Ours = Socket as unknown as Constructor;

export const SocketOverLibOS: typeof NodeSocket = new Proxy(NodeSocket, {
  construct(_, args, newTarget): object {
    if (isOfKernel(args[0]))
      return Reflect.construct(NodeSocket, args, newTarget === SocketOverLibOS ? NodeSocket : newTarget);
    return construct(args[0], newTarget as unknown as Constructor);
  },
  apply(_, self, args) {
    if (self instanceof NodeSocket) return original.apply(self, args);
    return isOfKernel(args[0])
      ? new NodeSocket(args[0])
      : construct(args[0], SocketOverLibOS as unknown as Constructor);
  },
});

function isOfKernel(options: unknown): boolean {
  if (typeof options === "number") return true;
  if (typeof options !== "object" || options === null) return false;
  const { handle, fd } = options as { handle?: unknown } & SocketConstructorOpts;
  return Boolean(handle) || fd !== undefined;
}

function construct(options: SocketOptions | undefined, newTarget: Constructor): object {
  if (newTarget === (SocketOverLibOS as unknown as Constructor)) return new Socket(options);
  standOnOurs(newTarget.prototype);
  return Reflect.construct(Socket, [options], newTarget as unknown as new () => object);
}

/** The prototype of who extends Socket: what it inherits is ours from its first instance on. */
function standOnOurs(prototype: object): void {
  for (let each = prototype; each !== null; each = Object.getPrototypeOf(each) as object) {
    if (each === Ours.prototype) return;
    if (Object.getPrototypeOf(each) === original.prototype) {
      Object.setPrototypeOf(each, Ours.prototype);
      return;
    }
  }
}
