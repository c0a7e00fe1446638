/** Addresses and errors of the libOS, as node:net names them. */
import { DemiError, type SocketAddress } from "@demikernel/core";
import type { Name } from "./link.js";

export const nameOf = ({ host, family, port }: SocketAddress): Name => ({
  address: host,
  family: family === 6 ? "IPv6" : "IPv4",
  port,
});

/** An IPv4 name as who listens on both families sees it (RFC 4291 section 2.5.5.2). */
export const mapped = (name: Name): Name =>
  name.family === "IPv4" ? { address: `::ffff:${name.address}`, family: "IPv6", port: name.port } : name;

/** The negative errno of what a call of core threw. */
export function errnoFrom(error: unknown): number {
  if (error instanceof DemiError) return error.errno;
  throw error;
}
