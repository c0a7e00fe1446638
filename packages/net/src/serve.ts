/** Servers that exist already (http, https, http2, tls, ws), over the libOS, in one line. */
import type { EventEmitter } from "node:events";
import type { ListenOptions } from "node:net";
import { Server } from "./server.js";

export interface ServeOptions extends ListenOptions {
  noDelay?: boolean;
  keepAlive?: boolean;
  keepAliveInitialDelay?: number;
}

/**
 * Listens, and gives each connection to `server` as its own: `serve(http.createServer(app), { port: 3000 })`. Returns who listens; its close() ends
 * that, and leaves `server` as it is.
 */
export function serve(server: EventEmitter, options: ServeOptions, listening?: () => void): Server {
  const { noDelay, keepAlive, keepAliveInitialDelay, ...where } = options;
  const listener = new Server({ allowHalfOpen: true, noDelay, keepAlive, keepAliveInitialDelay }, (socket) => {
    server.emit("connection", socket);
  });
  // Where nobody listens for the listener's errors, whoever runs the server hears of them.
  listener.on("error", (error) => {
    if (listener.listenerCount("error") === 1) server.emit("error", error);
  });
  return listener.listen(where, listening);
}
