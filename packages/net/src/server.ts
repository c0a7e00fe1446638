/** node:net's Server whose connections come from a libOS. What it takes, says and counts is node:net's: only its handle is another one. */
import cluster from "node:cluster";
import net from "node:net";
import { type listen2, makeListenable } from "./listen.js";
import type { Socket } from "./socket.js";

export type ConnectionListener = (socket: Socket) => void;

/** As it was when this was loaded. */
const NodeServer = net.Server;

export class Server extends NodeServer {
  constructor(options?: net.ServerOpts | ConnectionListener, listener?: ConnectionListener) {
    super(options as net.ServerOpts, listener as never);
  }

  override listen(...args: unknown[]): this {
    return super.listen(...(exclusively(args) as []));
  }

  /** @internal What listen() of node:net calls to begin. */
  _listen2(...args: Parameters<typeof listen2>): void {
    if (!makeListenable(this, args)) {
      (NodeServer.prototype as unknown as { _listen2(...args: unknown[]): void })._listen2.apply(this, args);
    }
  }
}

/** In a worker of a cluster: not the primary's handle, but a libOS of its own. */
export function exclusively(args: unknown[]): unknown[] {
  if (cluster.isPrimary) return args;
  const [first, second, third] = args;
  if (typeof first === "object" && first !== null && !Array.isArray(first))
    return [{ ...first, exclusive: true }, ...args.slice(1)];
  if (typeof first !== "number" && !(typeof first === "string" && Number(first) >= 0)) return args;
  const listener = args.find((arg) => typeof arg === "function");
  const host = typeof second === "string" ? second : undefined;
  const backlog = [second, third].find((arg) => typeof arg === "number");
  return [{ port: Number(first), host, backlog, exclusive: true }, ...(listener === undefined ? [] : [listener])];
}
