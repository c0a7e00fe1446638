/** Errors as node:net has them: the same codes, names and messages, since programs look at them. */
import { getSystemErrorMap, inspect } from "node:util";
import { errorName } from "@demikernel/core";

/** What operations of a socket fail with. */
export interface SocketError extends Error {
  /** Negative: as `errnoOf` of core, and libuv, have it. */
  errno?: number;
  code?: string;
  syscall?: string;
  address?: string;
  port?: number;
  localAddress?: string;
  localPort?: number;
}

/** Of a system call: "read ECONNRESET". */
export function systemError(errno: number, syscall: string): SocketError {
  const code = nameOf(errno);
  return Object.assign(new Error(`${syscall} ${code}`), { errno, code, syscall });
}

/** Of a system call about an address: "connect ECONNREFUSED 127.0.0.1:80". `local`: where from, if that was asked for. */
export function addressError(
  errno: number,
  syscall: string,
  address: string,
  port: number | undefined,
  local?: string,
): SocketError {
  const code = nameOf(errno);
  const where = port !== undefined && port > 0 ? `${address}:${port}` : address;
  const from = local === undefined ? "" : ` - Local (${local})`;
  const error: SocketError = new Error(`${syscall} ${code} ${where}${from}`);
  Object.assign(error, { errno, code, syscall, address });
  if (port !== undefined && port > 0) error.port = port;
  return error;
}

/** Of listen(), which says the reason in words: "listen EADDRINUSE: address already in use 127.0.0.1:80". */
export function listenError(errno: number, address: string | null, port: number): SocketError {
  const code = nameOf(errno);
  const where = port > 0 ? `${address ?? ""}:${port}` : (address ?? "");
  const error: SocketError = new Error(`listen ${code}: ${wordsOf(code)}${where === "" ? "" : ` ${where}`}`);
  Object.assign(error, { code, errno, syscall: "listen", address });
  if (port > 0) error.port = port;
  return error;
}

function nameOf(errno: number): string {
  // libuv has no name for some that a libOS has: ENOMSG.
  return getSystemErrorMap().get(errno)?.[0] ?? errorName(errno);
}

/** libuv's words (uv-errno), for what listen and bind fail with. */
const WORDS: Record<string, string> = {
  EACCES: "permission denied",
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "address not available",
  EAFNOSUPPORT: "address family not supported",
  EBADF: "bad file descriptor",
  EINVAL: "invalid argument",
  EMFILE: "too many open files",
  ENFILE: "file table overflow",
  ENOBUFS: "no buffer space available",
  ENOMEM: "not enough memory",
  ENOPROTOOPT: "protocol not available",
  ENOTSUP: "operation not supported on socket",
  EPERM: "operation not permitted",
};
const wordsOf = (code: string): string => WORDS[code] ?? "unknown error";

type Constructor = new (message: string) => Error;

/** With a code of Node's, as its own are made: `name [code]` stands in the stack, and `name` is the class's. */
export function coded(Class: Constructor, code: string, message: string): SocketError {
  const error: SocketError = new Class(message);
  const { name } = error;
  Object.defineProperty(error, "name", { value: `${name} [${code}]`, configurable: true, writable: true });
  // The stack is made of the name as it is when it is looked at first.
  void error.stack;
  delete (error as { name?: string }).name;
  error.code = code;
  return error;
}

function received(value: unknown): string {
  if (value === null || value === undefined) return ` Received ${value}`;
  if (typeof value === "function") return ` Received function ${value.name}`;
  if (typeof value === "object") {
    const { name } = (value as object).constructor ?? {};
    return name ? ` Received an instance of ${name}` : ` Received ${inspect(value, { depth: -1 })}`;
  }
  let shown = inspect(value, { colors: false });
  if (shown.length > 28) shown = `${shown.slice(0, 25)}...`;
  return ` Received type ${typeof value} (${shown})`;
}

export const wrongType = (name: string, expected: string, value: unknown): SocketError =>
  coded(
    TypeError,
    "ERR_INVALID_ARG_TYPE",
    `The "${name}" ${name.includes(".") ? "property" : "argument"} must be ${expected}.${received(value)}`,
  );
export const wrongValue = (name: string, value: unknown, reason: string): SocketError =>
  coded(
    TypeError,
    "ERR_INVALID_ARG_VALUE",
    `The ${name.includes(".") ? "property" : "argument"} '${name}' ${reason}. Received ${inspect(value)}`,
  );
export const missing = (...names: string[]): SocketError => {
  const list = names.map((name) => `"${name}"`).join(" or ");
  return coded(TypeError, "ERR_MISSING_ARGS", `The ${list} argument must be specified`);
};
/** Of several attempts: with the code of the first one. */
export function allOf(errors: SocketError[]): SocketError {
  class Several extends AggregateError {
    constructor(message: string) {
      super(errors, message);
    }
  }
  const error = coded(Several, errors[0].code ?? "", "");
  Object.setPrototypeOf(error, AggregateError.prototype);
  error.stack = error.stack?.replace(/^.*/, `AggregateError [${error.code}]: `);
  return error;
}
export const badPort = (name: string, port: unknown): SocketError =>
  coded(RangeError, "ERR_SOCKET_BAD_PORT", `${name} should be >= 0 and < 65536.${received(port)}.`);
export const outOfRange = (name: string, range: string, value: unknown): SocketError =>
  coded(
    RangeError,
    "ERR_OUT_OF_RANGE",
    `The value of "${name}" is out of range. It must be ${range}. Received ${inspect(value)}`,
  );
export const badAddress = (address: unknown): SocketError =>
  coded(TypeError, "ERR_INVALID_IP_ADDRESS", `Invalid IP address: ${String(address)}`);
export const badFamily = (family: unknown, host: unknown, port: unknown): SocketError =>
  Object.assign(
    coded(
      RangeError,
      "ERR_INVALID_ADDRESS_FAMILY",
      `Invalid address family: ${String(family)} ${String(host)}:${String(port)}`,
    ),
    { host, port },
  );
export const closed = (): SocketError => coded(Error, "ERR_SOCKET_CLOSED", "Socket is closed");
export const closedBeforeConnection = (): SocketError =>
  coded(Error, "ERR_SOCKET_CLOSED_BEFORE_CONNECTION", "Socket closed before the connection was established");
export const attemptsTimedOut = (): SocketError =>
  coded(Error, "ERR_SOCKET_CONNECTION_TIMEOUT", "Socket connection timeout");
export const noReset = (): SocketError =>
  coded(TypeError, "ERR_INVALID_HANDLE_TYPE", "This handle type cannot be sent");
export const endedByPeer = (): SocketError =>
  Object.assign(new Error("This socket has been ended by the other party"), { code: "EPIPE" });
