/** Where the server listens: bind and port, which can be changed while it runs. */
import { DemiError } from "@demikernel/core";
import type { Server } from "./server.js";

const HINTS: Record<string, string> = {
  EADDRINUSE: "another program has the port",
  EADDRNOTAVAIL: "this machine does not have the address",
  EACCES: "not permitted for this user",
};

/** Listens on all addresses of bind. Throws a sentence. */
export function listenAsConfigured(server: Server): void {
  const { bind, port } = server.config;
  if (port === 0) return;
  for (const word of bind.split(" ").filter(Boolean)) {
    const address = word.replace(/^-/, "");
    try {
      server.listeners.listen(address === "*" ? "0.0.0.0" : address === "::*" ? "::" : address, port);
    } catch (error) {
      if (!(error instanceof DemiError)) throw error;
      // As Redis has it: an address with a minus may not be there.
      if (word.startsWith("-") && error.code !== "EADDRINUSE") continue;
      throw new Error(`${address}:${port}: ${HINTS[error.code] ?? error.message}`);
    }
  }
}

/** What CONFIG SET port and bind do: the new ones first, so that the old ones stay if it fails. */
export function followListening(server: Server): void {
  let bound = `${server.config.bind} ${server.config.port}`;
  const apply = (): string | undefined => {
    const wanted = `${server.config.bind} ${server.config.port}`;
    if (wanted === bound) return undefined;
    const kept = server.listeners.take();
    try {
      listenAsConfigured(server);
    } catch {
      server.listeners.close();
      server.listeners.give(kept);
      return "Unable to listen on this port. Check server logs.";
    }
    bound = wanted;
    for (const qd of kept) server.os.close(qd);
    return undefined;
  };
  server.config.onChange("port", apply);
  server.config.onChange("bind", apply);
}
