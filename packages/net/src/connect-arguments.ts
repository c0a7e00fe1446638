/** The forms in which connect() takes what it shall connect to: (options), (port, host), (path), each with a listener behind. */
import net from "node:net";
import { badPort, missing, wrongType } from "./errors.js";

export interface ConnectOptions {
  port?: unknown;
  host?: string;
  path?: string;
  [name: string]: unknown;
}

/** Node's own: [options, listener], in an array that it knows again. */
export const nodeArguments = (args: unknown[]): [options: ConnectOptions, listener: (() => void) | null] =>
  (net as unknown as { _normalizeArgs(args: unknown[]): [ConnectOptions, (() => void) | null] })._normalizeArgs(args);

export function normalizedConnect(args: unknown[]): { options: ConnectOptions; listener?: () => void } {
  // What node:net itself has normalized: [options, listener].
  const list = isNormalized(args[0]) ? args[0] : args;
  const last = list.at(-1);
  const listener = typeof last === "function" ? (last as () => void) : undefined;
  const [first, second] = list;
  let options: ConnectOptions;
  if (typeof first === "object" && first !== null) options = first as ConnectOptions;
  else if (isPath(first)) options = { path: first };
  else options = { port: first };
  if (options !== first && typeof second === "string") options.host = second;
  if (options.port === undefined && (options.path === undefined || options.path === null))
    throw missing("options", "port", "path");
  return { options, listener };
}

/** node:net marks its own list by a symbol: another array is an object like any. */
const isNormalized = (value: unknown): value is unknown[] =>
  Array.isArray(value) && Object.getOwnPropertySymbols(value).length > 0;

const isPath = (value: unknown): value is string => typeof value === "string" && !(Number(value) >= 0);

/** A port as a number; throws for what is none. */
export function portOf(port: unknown, name = "options.port"): number {
  if (port === undefined) return 0;
  if (typeof port !== "number" && typeof port !== "string") {
    throw wrongType(name, "one of type number or string", port);
  }
  const text = typeof port === "string" ? port.trim() : port;
  const value = Number(text);
  if (text === "" || !Number.isInteger(value) || value < 0 || value > 65535)
    throw badPort(name === "options.port" ? "Port" : name, port);
  return value;
}
