/**
 * The forms in which send() takes a datagram: all of a message, (message, port, address), or a part of it, (message, offset, length, port,
 * address); without port and address on a connected socket; with a callback behind.
 */
import { badPort, wrongType } from "../errors.js";
import { isConnected as alreadyConnected, outOfBounds } from "./errors.js";

export type SendCallback = (error: Error | null, bytes?: number) => void;

export interface Datagram {
  /** Sent one behind the other, as one datagram. */
  parts: Uint8Array[];
  /** Undefined: to whom the socket is connected. */
  port: number | undefined;
  address: string | undefined;
  callback: SendCallback | undefined;
}

const BYTES = "of type string or an instance of Buffer, TypedArray, or DataView";

/** Throws for what is no datagram, or goes nowhere. */
export function datagramOf(args: unknown[], isConnected: boolean): Datagram {
  const isPart = isConnected
    ? typeof args[2] === "number"
    : Boolean(args[4]) || (Boolean(args[3]) && typeof args[3] !== "function");
  const message = isPart ? partOf(args[0], Number(args[1]), Number(args[2])) : args[0];
  const rest = args.slice(isPart ? 3 : 1);
  if (isConnected) {
    const callback = rest.find((arg) => typeof arg === "function");
    if (rest.some((arg) => arg && typeof arg !== "function")) throw alreadyConnected();
    return {
      parts: partsOf(message),
      port: undefined,
      address: undefined,
      callback: callback as SendCallback | undefined,
    };
  }
  const parts = partsOf(message);
  const port = sendPort(rest[0]);
  const [, address, callback] = typeof rest[1] === "function" ? [rest[0], undefined, rest[1]] : rest;
  if (address !== undefined && address !== null && typeof address !== "string")
    throw wrongType("address", "of type string", address);
  return {
    parts,
    port,
    address: address ?? undefined,
    callback: typeof callback === "function" ? (callback as SendCallback) : undefined,
  };
}

/** Nothing is at port 0. */
export function sendPort(port: unknown): number {
  const value = typeof port === "string" && port.trim() !== "" ? Number(port) : port;
  if (typeof value === "number" && Number.isInteger(value) && value > 0 && value < 65536) return value;
  const error = badPort("Port", port);
  error.message = error.message.replace(">= 0", "> 0");
  throw error;
}

function bytesOf(given: unknown): Uint8Array | undefined {
  if (typeof given === "string") return Buffer.from(given);
  if (!ArrayBuffer.isView(given)) return undefined;
  return new Uint8Array(given.buffer, given.byteOffset, given.byteLength);
}

function partOf(message: unknown, offset: number, length: number): Uint8Array {
  const bytes = bytesOf(message);
  if (bytes === undefined) throw wrongType("buffer", BYTES, message);
  const [from, count] = [offset >>> 0, length >>> 0];
  if (from > bytes.length) throw outOfBounds("offset");
  if (from + count > bytes.length) throw outOfBounds("length");
  return bytes.subarray(from, from + count);
}

function partsOf(message: unknown): Uint8Array[] {
  if (!Array.isArray(message)) {
    const bytes = bytesOf(message);
    if (bytes === undefined) throw wrongType("buffer", BYTES, message);
    return [bytes];
  }
  return message.map((each) => {
    const bytes = bytesOf(each);
    if (bytes === undefined) throw wrongType("buffer list arguments", BYTES, message);
    return bytes;
  });
}
