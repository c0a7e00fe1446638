/** TLS over sockets of the libOS: Node's own TLSSocket, whose bytes go through one of ours. */
import net from "node:net";
import tls, { type ConnectionOptions, type TLSSocket, type TlsOptions } from "node:tls";
import { nodeArguments } from "./connect-arguments.js";
import { type listen2, makeListenable } from "./listen.js";
import { exclusively } from "./server.js";
import { Socket } from "./socket.js";
import { isReadInto, type SocketOptions } from "./socket-options.js";
import { readInto } from "./tls-onread.js";
import "./wrapped.js";

type Connect = (options: ConnectionOptions, listener?: () => void) => TLSSocket;

/** As they were when this was loaded. */
const nodeConnect = tls.connect as Connect;
const NodeTLSServer = tls.Server;

/** What a Socket tells while it connects, and a TLSSocket that connects by itself tells too. */
const TOLD = ["lookup", "ready", "connectionAttempt", "connectionAttemptFailed", "connectionAttemptTimeout"];

/** As tls.connect(), through the libOS; with `socket` over that one, and to a `path` through the kernel. */
export function connectTLS(options: ConnectionOptions, listener?: () => void): TLSSocket;
export function connectTLS(port: number, host?: string, options?: ConnectionOptions, listener?: () => void): TLSSocket;
export function connectTLS(port: number, options?: ConnectionOptions, listener?: () => void): TLSSocket;
export function connectTLS(...args: unknown[]): TLSSocket {
  const { options, listener } = argumentsOf(args);
  if (options.socket || options.path) return nodeConnect(options, listener);
  const socket = new Socket(socketOptions(options));
  let secure: TLSSocket;
  try {
    secure = nodeConnect({ ...options, socket: socket as unknown as net.Socket }, listener);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  tell(socket, secure, TOLD);
  const { onread } = options as { onread?: unknown };
  if (isReadInto(onread)) readInto(secure, onread);
  const { timeout } = options;
  if (timeout) {
    secure.setTimeout(timeout);
    socket.once("connect", () => (secure as unknown as { _unrefTimer(): void })._unrefTimer());
  }
  try {
    // Its address, and how to find it; the signal and the times are the TLSSocket's.
    socket.connect({ ...options, signal: undefined, timeout: undefined, onread: undefined });
  } catch (error) {
    secure.on("error", () => {});
    secure.destroy();
    throw error;
  }
  return secure;
}

/** The forms of tls.connect(): as net.connect()'s, with options behind the port or the host. */
function argumentsOf(args: unknown[]): { options: ConnectionOptions; listener?: () => void } {
  const [options, listener] = nodeArguments(args);
  const more = [args[1], args[2]].find((arg) => typeof arg === "object" && arg !== null);
  return {
    options: { ...options, ...(more as object | undefined) } as ConnectionOptions,
    listener: listener ?? undefined,
  };
}

function socketOptions(options: ConnectionOptions): SocketOptions {
  const { allowHalfOpen, noDelay, keepAlive, keepAliveInitialDelay } = options as ConnectionOptions & SocketOptions;
  return { allowHalfOpen, noDelay, keepAlive, keepAliveInitialDelay };
}

/** What it tells of, it has too. */
type Told = { -readonly [K in "autoSelectFamilyAttemptedAddresses"]: TLSSocket[K] } & Pick<TLSSocket, "emit">;

function tell(from: Socket, to: Told, events: readonly string[]): void {
  for (const event of events) {
    from.on(event, (...args: unknown[]) => {
      if (from.autoSelectFamilyAttemptedAddresses !== undefined) {
        to.autoSelectFamilyAttemptedAddresses = from.autoSelectFamilyAttemptedAddresses;
      }
      to.emit(event, ...args);
    });
  }
}

/** node:tls's Server whose connections come from the libOS. */
export class TLSServer extends NodeTLSServer {
  override listen(...args: unknown[]): this {
    return super.listen(...(exclusively(args) as []));
  }

  /** @internal What listen() of node:net calls to begin. */
  _listen2(...args: Parameters<typeof listen2>): void {
    if (!makeListenable(this, args)) {
      (net.Server.prototype as unknown as { _listen2(...args: unknown[]): void })._listen2.apply(this, args);
    }
  }
}

export type SecureListener = (socket: TLSSocket) => void;

/** As tls.createServer(), over the libOS. */
export function createTLSServer(options: TlsOptions, listener?: SecureListener): TLSServer {
  return new TLSServer(options, listener);
}
