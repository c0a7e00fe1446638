/** Errors that node:dgram has beside those of node:net: the same codes and messages. */
import { getSystemErrorMap } from "node:util";
import { coded, type SocketError } from "../errors.js";

export const badType = (): SocketError =>
  coded(TypeError, "ERR_SOCKET_BAD_TYPE", "Bad socket type specified. Valid types are: udp4, udp6");
export const alreadyBound = (): SocketError => coded(Error, "ERR_SOCKET_ALREADY_BOUND", "Socket is already bound");
export const notRunning = (): SocketError => coded(Error, "ERR_SOCKET_DGRAM_NOT_RUNNING", "Not running");
export const isConnected = (): SocketError => coded(Error, "ERR_SOCKET_DGRAM_IS_CONNECTED", "Already connected");
export const notConnected = (): SocketError => coded(Error, "ERR_SOCKET_DGRAM_NOT_CONNECTED", "Not connected");
export const outOfBounds = (name: string): SocketError =>
  coded(RangeError, "ERR_BUFFER_OUT_OF_BOUNDS", `"${name}" is outside of buffer bounds`);
export const badBufferSize = (): SocketError =>
  coded(TypeError, "ERR_SOCKET_BAD_BUFFER_SIZE", "Buffer size must be a positive integer");

/** What a buffer's size cannot be read or set with. */
export function bufferSizeError(errno: number, syscall: string): SocketError {
  const [code, message] = getSystemErrorMap().get(errno) ?? ["UNKNOWN", "unknown error"];
  const error: SocketError = new Error(`Could not get or set buffer size: ${syscall} returned ${code} (${message})`);
  return Object.assign(error, {
    name: "SystemError",
    code: "ERR_SOCKET_BUFFER_SIZE",
    info: { errno, code, message, syscall },
    errno,
    syscall,
  });
}
