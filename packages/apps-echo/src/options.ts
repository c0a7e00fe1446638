/** Values of command line options: each parser names the option's limits when it refuses one. */
import { isIP } from "node:net";
import type { Address } from "@demikernel/core";
import { InvalidArgumentError } from "commander";

/** Largest UDP payload of an IPv4 datagram: 65535 less the IP and UDP headers. */
export const LARGEST_DATAGRAM = 65_507;
/** Largest sga segment of the default arena. */
export const LARGEST_MESSAGE = 1 << 20;

/** An option parser for whole numbers from `least` to `most`. */
export function wholeNumber(what: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`${what} is a whole number from ${least} to ${most}, not "${text}".`);
    }
    return value;
  };
}

/** An option parser for times such as 500ms, 10s or 2m, up to an hour; in milliseconds. */
export function duration(what: string): (text: string) => number {
  const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000 };
  return (text) => {
    const [, number, unit] = /^(\d+)(ms|s|m)$/.exec(text) ?? [];
    const value = Number(number) * (units[unit as string] ?? Number.NaN);
    if (!(value >= 1 && value <= 3_600_000)) {
      throw new InvalidArgumentError(`${what} is a time from 1ms to 60m, as in 500ms or 10s, not "${text}".`);
    }
    return value;
  };
}

export const parsePort = wholeNumber("A port", 1, 65_535);
/** For servers, where 0 means: any free one. */
export const parseLocalPort = wholeNumber("A port", 0, 65_535);

/** A numeric address, or "localhost": nothing here asks a resolver. */
export function parseHost(text: string): string {
  if (text === "localhost") return "127.0.0.1";
  if (isIP(text.split("%")[0] as string) === 0) {
    throw new InvalidArgumentError(`A host is a numeric IPv4 or IPv6 address or "localhost", not "${text}".`);
  }
  return text;
}

/** HOST:PORT, with an IPv6 host in brackets: 10.0.0.1:7 or [::1]:7. */
export function parseEndpoint(text: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text);
  if (match === null) throw new InvalidArgumentError(`An endpoint is HOST:PORT or [IPV6]:PORT, not "${text}".`);
  return { host: parseHost((match[1] ?? match[2]) as string), port: parsePort(match[3] as string) };
}

export function formatEndpoint({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** 4 or 6, as socket() takes it. */
export function familyOf(host: string): 4 | 6 {
  return host.includes(":") ? 6 : 4;
}
