/** Servers of node:net, and what inherits from them (http, https, http2, tls), listen through the libOS. */
import net from "node:net";
import { type listen2, makeListenable } from "../listen.js";
import { routeOf } from "../route.js";
import { exclusively } from "../server.js";
import { openStack } from "../stack.js";

type Begin = (this: net.Server, ...args: Parameters<typeof listen2>) => void;

export function patchListening(): void {
  const prototype = net.Server.prototype as net.Server & { _listen2: Begin };
  const { listen, _listen2: begin } = prototype;

  prototype.listen = function (this: net.Server, ...args: unknown[]) {
    return listen.apply(this, (isKernels(args) ? args : exclusively(args)) as [unknown]);
  } as typeof listen;

  prototype._listen2 = function (...args) {
    if (!makeListenable(this, args)) begin.apply(this, args);
  };
}

/** A cluster's workers share what is the kernel's, as ever. */
function isKernels([first, second]: unknown[]): boolean {
  const host = typeof first === "object" && first !== null ? (first as { host?: unknown }).host : second;
  const stack = openStack();
  return stack !== undefined && typeof host === "string" && routeOf(stack, host, "listen") === "kernel";
}
