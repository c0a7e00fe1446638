/** Addresses as options spell them. Each parser returns undefined for anything else. */
import { isIPv4, isIPv6 } from "node:net";

export interface Prefix {
  address: string;
  /** Bits of the network part. */
  length: number;
}

/** "10.7.0.2/24" or "fd07::2/64". */
export function parsePrefix(text: string, family: 4 | 6): Prefix | undefined {
  const [, address = "", length = ""] = /^([^/]*)\/(0|[1-9]\d{0,2})$/.exec(text) ?? [];
  const bits = Number(length);
  const valid = family === 4 ? isIPv4(address) && bits <= 32 : isIPv6(address) && !address.includes("%") && bits <= 128;
  return valid ? { address, length: bits } : undefined;
}

/** The 32 bits of an IPv4 address. */
export function ipv4Bits(address: string): number {
  return address.split(".").reduce((bits, part) => bits * 256 + Number(part), 0);
}

/** True when both lie in the network that `length` bits name. */
export function sameNetwork(a: string, b: string, length: number): boolean {
  const size = 2 ** (32 - length);
  return Math.floor(ipv4Bits(a) / size) === Math.floor(ipv4Bits(b) / size);
}

/** Why an interface cannot have this IPv4 address; undefined when it can. */
export function notAHost({ address, length }: Prefix): string | undefined {
  const bits = ipv4Bits(address);
  const first = Math.floor(bits / 2 ** 24);
  if (first === 0 || first === 127 || first >= 224) return "must be the address of an interface";
  const host = bits % 2 ** (32 - length);
  if (length > 30) return undefined; // point to point, RFC 3021
  if (host === 0) return "must be the address of an interface, not of its network";
  if (host === 2 ** (32 - length) - 1) return "must be the address of an interface, not the broadcast address";
  return undefined;
}

/** "02:00:00:00:00:01" in lower case. */
export function parseMac(text: string): string | undefined {
  return /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text) ? text.toLowerCase() : undefined;
}

/** True for the address of one station: neither a group's nor all zeros. */
export function isUnicastMac(mac: string): boolean {
  return Number.parseInt(mac.slice(0, 2), 16) % 2 === 0 && mac !== "00:00:00:00:00:00";
}
