/** What a Socket is made with, and its duration of silence: checked as node:net checks them. */
import type { SocketConstructorOpts } from "node:net";
import { outOfRange, wrongType, wrongValue } from "./errors.js";
import type { Link, LinkUser, ReadInto } from "./link.js";

export interface SocketOptions extends SocketConstructorOpts {
  noDelay?: boolean;
  keepAlive?: boolean;
  keepAliveInitialDelay?: number;
  onread?: ReadInto;
  readableHighWaterMark?: number;
  writableHighWaterMark?: number;
}

/** How a connection that was accepted becomes a Socket. */
export interface AcceptedOptions {
  linkFor: (user: LinkUser) => Link;
  pauseOnCreate: boolean;
}

export function checkOptions(options: SocketOptions): void {
  const given = options as Record<string, unknown>;
  for (const name of ["objectMode", "readableObjectMode", "writableObjectMode"]) {
    if (given[name]) throw wrongValue(`options.${name}`, given[name], "is not supported");
  }
  const { keepAliveInitialDelay } = options;
  if (keepAliveInitialDelay !== undefined && typeof keepAliveInitialDelay !== "number") {
    throw wrongType("options.keepAliveInitialDelay", "of type number", keepAliveInitialDelay);
  }
  // The caller's own, as node:net does it.
  if (keepAliveInitialDelay !== undefined && keepAliveInitialDelay < 0) options.keepAliveInitialDelay = 0;
}

export function isReadInto(onread: unknown): onread is ReadInto {
  if (onread === null || typeof onread !== "object") return false;
  const { buffer, callback } = onread as Partial<ReadInto>;
  return (buffer instanceof Uint8Array || typeof buffer === "function") && typeof callback === "function";
}

/** Timers of Node have at most 31 bits. */
const LONGEST = 2 ** 31 - 1;

export function durationOf(milliseconds: unknown): number {
  if (typeof milliseconds !== "number") throw wrongType("msecs", "of type number", milliseconds);
  if (!(milliseconds >= 0 && Number.isFinite(milliseconds)))
    throw outOfRange("msecs", "a non-negative finite number", milliseconds);
  if (milliseconds <= LONGEST) return milliseconds;
  process.emitWarning(
    `${milliseconds} does not fit into a 32-bit signed integer.\nTimer duration was truncated to ${LONGEST}.`,
    "TimeoutOverflowWarning",
  );
  return LONGEST;
}

export const secondsOf = (milliseconds: number | undefined): number =>
  Math.max(0, Math.trunc(Number(milliseconds) / 1000) || 0);
