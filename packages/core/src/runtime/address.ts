import { isIP } from "node:net";
import { networkInterfaces } from "node:os";
import { DemiError } from "../errors.js";
import type { Address } from "../types.js";

/** An address as the boundary takes it: numeric, the IPv6 zone as a number. */
export interface NumericAddress {
  /** Without the zone. */
  host: string;
  family: 4 | 6;
  /** The IPv6 scope id, 0 for none. */
  zone: number;
  port: number;
}

/**
 * The one reading of addresses, for every call that takes one. "localhost" is the loopback of the socket's family, without a resolver; a
 * zone (RFC 4007 section 11) is a number or an interface's name. Throws EINVAL, naming what is wrong; no other error, whatever it is given.
 */
export function numericAddress(
  to: Address,
  syscall: string,
  qd: number,
  { lowestPort, familyOf }: { lowestPort: 0 | 1; familyOf: () => 4 | 6 },
): NumericAddress {
  const { host, port } = (to ?? {}) as Partial<Address>;
  if (typeof port !== "number" || !Number.isInteger(port) || port < lowestPort || port > 65535) {
    throw new DemiError("EINVAL", syscall, `port ${String(port)} is out of range`, qd);
  }
  if (host === "localhost") {
    const family = familyOf();
    return { host: family === 6 ? "::1" : "127.0.0.1", family, zone: 0, port };
  }
  const percent = typeof host === "string" ? host.indexOf("%") : -1;
  const plain = percent < 0 ? host : (host as string).slice(0, percent);
  if (typeof host !== "string" || isIP(plain as string) === 0 || (percent >= 0 && isIP(plain as string) !== 6)) {
    const what = typeof host === "string" ? `"${host}"` : typeof host;
    throw new DemiError("EINVAL", syscall, `${what} is not a numeric address; resolve names first (node:dns)`, qd);
  }
  if (percent < 0) return { host, family: isIP(host) as 4 | 6, zone: 0, port };
  const name = host.slice(percent + 1);
  const zone = /^\d{1,9}$/.test(name) ? Number(name) : zoneOf(name);
  if (zone === undefined) throw new DemiError("EINVAL", syscall, `no interface "${name}" with IPv6 here`, qd);
  return { host: host.slice(0, percent), family: 6, zone, port };
}

/** As text for the native side, which takes zones as numbers. */
export function zoned({ host, zone }: NumericAddress): string {
  return zone === 0 ? host : `${host}%${zone}`;
}

function zoneOf(name: string): number | undefined {
  let interfaces: ReturnType<typeof networkInterfaces> = {};
  try {
    interfaces = networkInterfaces();
  } catch {
    // Out of descriptors: no interface is known.
  }
  const addresses = Object.hasOwn(interfaces, name) ? interfaces[name] : undefined;
  // Of an IPv6 address that is not link-local the scope id is 0: any other of the interface has it.
  const scoped = addresses?.find((address) => address.family === "IPv6" && address.scopeid !== 0);
  return scoped?.scopeid ?? undefined;
}

/** RFC 4291 section 2.2 text to 16 bytes, RFC 1123's dotted quad to 4. */
export function addressBytes({ host, family }: NumericAddress): number[] {
  if (family === 4) return host.split(".").map(Number);
  const canonical = new URL(`http://[${host}]`).hostname.slice(1, -1);
  const [left, right] = canonical.split("::").map((side) => (side === "" ? [] : side.split(":"))) as [
    string[],
    string[] | undefined,
  ];
  const zeros = right === undefined ? 0 : 8 - left.length - right.length;
  const groups = [...left, ...new Array<string>(zeros).fill("0"), ...(right ?? [])];
  return groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]);
}
