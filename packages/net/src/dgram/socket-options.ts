/** What createSocket() throws for. */
import type { SocketOptions, SocketType } from "node:dgram";
import { outOfRange, wrongType } from "../errors.js";
import { badType } from "./errors.js";

export interface DatagramSocketOptions extends SocketOptions {}

const MOST_UINT32 = 2 ** 32 - 1;

export function checkOptions(
  options: Partial<DatagramSocketOptions>,
): asserts options is Partial<DatagramSocketOptions> & { type: SocketType } {
  const { recvBufferSize, sendBufferSize, lookup, signal, type } = options;
  if (recvBufferSize) checkUint32(recvBufferSize, "options.recvBufferSize");
  if (sendBufferSize) checkUint32(sendBufferSize, "options.sendBufferSize");
  if (lookup !== undefined && typeof lookup !== "function") throw wrongType("lookup", "of type function", lookup);
  if (type !== "udp4" && type !== "udp6") throw badType();
  if (signal !== undefined && (signal === null || typeof signal !== "object" || !("aborted" in signal))) {
    throw wrongType("options.signal", "an instance of AbortSignal", signal);
  }
}

function checkUint32(value: unknown, name: string): void {
  if (typeof value !== "number") throw wrongType(name, "of type number", value);
  if (!Number.isInteger(value)) throw outOfRange(name, "an integer", value);
  if (value < 0 || value > MOST_UINT32) throw outOfRange(name, `>= 0 && <= ${MOST_UINT32}`, value);
}
