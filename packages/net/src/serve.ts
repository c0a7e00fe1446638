/** Servers that exist already (http, https, http2, tls, ws), over the libOS, in one line. */
import type { EventEmitter } from "node:events";
import net, { type ListenOptions, type ServerOpts } from "node:net";
import { type listen2, makeListenable } from "./listen.js";
import { exclusively, Server } from "./server.js";

export interface ServeOptions extends ListenOptions {
  noDelay?: boolean;
  keepAlive?: boolean;
  keepAliveInitialDelay?: number;
}

/** What node:net keeps on a Server. */
interface Internals {
  allowHalfOpen?: boolean;
  pauseOnConnect?: boolean;
  highWaterMark?: number;
  noDelay?: boolean;
  keepAlive?: boolean;
  /** Seconds. */
  keepAliveInitialDelay?: number;
  _listen2(...args: Parameters<typeof listen2>): void;
}

/**
 * Listens through the libOS for `server`: `serve(http.createServer(app), { port: 3000 })`. Returns who listens: the server itself, whose
 * address(), close() and events are as after its listen(). Where it is none of node:net's, or listens elsewhere already, it is another one,
 * which gives it each connection, and whose close() leaves `server` as it is.
 */
export function serve(server: EventEmitter, options: ServeOptions, listening?: () => void): net.Server {
  const { noDelay, keepAlive, keepAliveInitialDelay, ...where } = options;
  if (server instanceof net.Server && !server.listening) {
    const internals = server as net.Server & Internals;
    if (noDelay !== undefined) internals.noDelay = noDelay;
    if (keepAlive !== undefined) internals.keepAlive = keepAlive;
    if (keepAliveInitialDelay !== undefined) internals.keepAliveInitialDelay = Math.trunc(keepAliveInitialDelay / 1000);
    return listenOver(internals, where, listening);
  }
  const listener = new Server(connectionsOf(server, { noDelay, keepAlive, keepAliveInitialDelay }), (socket) => {
    server.emit("connection", socket);
  });
  // Where nobody listens for the listener's errors, whoever runs the server hears of them.
  listener.on("error", (error) => {
    if (listener.listenerCount("error") === 1) server.emit("error", error);
  });
  return listener.listen(where, listening);
}

/** This one is to begin as a Server of ours does: what follows, also. */
function listenOver(server: net.Server & Internals, where: ListenOptions, listening?: () => void): net.Server {
  const { _listen2: begin } = server;
  Object.defineProperty(server, "_listen2", {
    configurable: true,
    writable: true,
    value(...args: Parameters<typeof listen2>) {
      if (!makeListenable(server, args)) begin.apply(server, args);
    },
  });
  return server.listen(...(exclusively([where, listening]) as [ListenOptions]));
}

/** As the server would have its connections, where nothing else is said. */
function connectionsOf(server: EventEmitter, wanted: ServerOpts): ServerOpts {
  const own = server as Partial<Internals>;
  return {
    allowHalfOpen: own.allowHalfOpen,
    pauseOnConnect: own.pauseOnConnect,
    highWaterMark: own.highWaterMark,
    noDelay: wanted.noDelay ?? own.noDelay,
    keepAlive: wanted.keepAlive ?? own.keepAlive,
    keepAliveInitialDelay: wanted.keepAliveInitialDelay ?? (own.keepAliveInitialDelay ?? 0) * 1000,
  };
}
