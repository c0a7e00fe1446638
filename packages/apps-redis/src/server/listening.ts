/** Where the server listens: bind and port, which can be changed while it runs. */
import { DemiError } from "@demikernel/core";
import type { Server } from "./server.js";

const HINTS: Record<string, string> = {
  EADDRINUSE: "another program has the port",
  EADDRNOTAVAIL: "this machine does not have the address",
  EACCES: "not permitted for this user",
};

/** An address of bind. */
export interface Bound {
  host: string;
  /** As Redis has it: an address with a minus may not be there. */
  isOptional: boolean;
}

export function boundAddresses(bind: string): Bound[] {
  return bind
    .split(" ")
    .filter(Boolean)
    .map((word) => {
      const address = word.replace(/^-/, "");
      const host = address === "*" ? "0.0.0.0" : address === "::*" ? "::" : address;
      return { host, isOptional: word.startsWith("-") };
    });
}

/** Listens on all addresses of bind. Throws a sentence. */
export function listenAsConfigured(server: Server): void {
  const { bind, port } = server.config;
  if (port === 0) return;
  for (const { host, isOptional } of boundAddresses(bind)) {
    try {
      server.listeners.listen(host, port);
    } catch (error) {
      if (!(error instanceof DemiError)) throw error;
      if (isOptional && error.code !== "EADDRINUSE") continue;
      throw new Error(`${host}:${port}: ${HINTS[error.code] ?? error.message}`);
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
    } catch (error) {
      server.log((error as Error).message);
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
