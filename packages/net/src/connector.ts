/** How undici connects, through the libOS: `new Agent({ connect: connector() })`. Its errors and times are as of undici's own connector. */
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { connect } from "./connect.js";
import type { Socket } from "./socket.js";
import type { SocketOptions } from "./socket-options.js";
import { connectTLS } from "./tls.js";

/** What a connection is made with: of node:net and node:tls. */
export type ConnectorOptions = Omit<ConnectionOptions, "port" | "host" | "socket" | "path"> &
  Pick<SocketOptions, "noDelay" | "keepAlive" | "keepAliveInitialDelay"> & {
    /** Milliseconds until a connection must be there, 10 000 where nothing is said; 0: any. */
    timeout?: number;
    /** HTTP/2 where the server has it. */
    allowH2?: boolean;
    /** TLS sessions to be resumed that are kept, 100 where nothing is said. */
    maxCachedSessions?: number;
  };

/** What undici asks for. */
interface Wanted {
  hostname: string;
  host?: string;
  protocol: string;
  port?: string | number;
  servername?: string | null;
  localAddress?: string | null;
  /** A tunnel to put TLS on. */
  httpSocket?: unknown;
}

type Callback = (...result: [error: null, socket: never] | [error: Error, socket: null]) => void;
export type Connector = (wanted: Wanted, callback: Callback) => Socket | TLSSocket;

const USUAL_TIMEOUT = 10_000;
const KEEP_ALIVE_DELAY = 60_000;
const SESSIONS = 100;

export function connector(options: ConnectorOptions = {}): Connector {
  const { timeout = USUAL_TIMEOUT, allowH2 = false, maxCachedSessions = SESSIONS, ...given } = options;
  if (!Number.isInteger(maxCachedSessions) || maxCachedSessions < 0) {
    throw new RangeError(`maxCachedSessions must be an integer >= 0; got ${maxCachedSessions}`);
  }
  const sessions = new Map<string, Buffer>();
  const keep = (key: string, session: Buffer) => {
    sessions.delete(key);
    sessions.set(key, session);
    if (sessions.size > maxCachedSessions) sessions.delete(sessions.keys().next().value as string);
  };

  const secure = ({ hostname, host, port, servername, localAddress, httpSocket }: Wanted): TLSSocket => {
    const name = servername || given.servername || nameOf(host ?? hostname);
    const key = name || hostname;
    const socket = connectTLS({
      ALPNProtocols: allowH2 ? ["http/1.1", "h2"] : ["http/1.1"],
      ...given,
      servername: name,
      session: given.session ?? sessions.get(key),
      localAddress: localAddress ?? undefined,
      socket: httpSocket,
      host: hostname,
      port: Number(port) || 443,
    } as ConnectionOptions);
    return socket.on("session", (session) => keep(key, session));
  };

  const plain = ({ hostname, port, localAddress }: Wanted): Socket => {
    const { keepAliveInitialDelay, ...where } = given as Record<string, unknown>;
    return connect({ ...where, localAddress: localAddress ?? undefined, host: hostname, port: Number(port) || 80 });
  };

  return (wanted, callback) => {
    const isSecure = wanted.protocol === "https:";
    const socket: Socket | TLSSocket = isSecure ? secure(wanted) : plain(wanted);
    const { keepAlive = true, keepAliveInitialDelay = KEEP_ALIVE_DELAY, noDelay = true } = given;
    if (keepAlive) socket.setKeepAlive(true, keepAliveInitialDelay);
    socket.setNoDelay(noDelay);
    tellOnce(
      socket,
      isSecure ? "secureConnect" : "connect",
      timeout === 0 ? undefined : timeoutOf(wanted, timeout),
      callback,
    );
    return socket;
  };
}

interface Timeout {
  milliseconds: number;
  error: () => Error;
}

function tellOnce(socket: Socket | TLSSocket, event: string, timeout: Timeout | undefined, callback: Callback): void {
  let isTold = false;
  const timer = timeout && setTimeout(() => socket.destroy(timeout.error()), timeout.milliseconds);
  const tell = (...result: Parameters<Callback>) => {
    clearTimeout(timer);
    if (isTold) return;
    isTold = true;
    callback(...result);
  };
  socket.once(event, () => tell(null, socket as never));
  socket.on("error", (error: Error) => tell(error, null));
}

function timeoutOf({ hostname, port }: Wanted, milliseconds: number): Timeout {
  return {
    milliseconds,
    error: () =>
      Object.assign(
        new Error(`Connect Timeout Error (attempted address: ${hostname}:${port ?? ""}, timeout: ${milliseconds}ms)`),
        {
          name: "ConnectTimeoutError",
          code: "UND_ERR_CONNECT_TIMEOUT",
        },
      ),
  };
}

/** The name to ask a certificate for: of "name:port", and of no address. */
function nameOf(host: string): string {
  const name = host.startsWith("[") ? "" : host.replace(/:\d+$/, "");
  return /^[\d.]*$/.test(name) || name.includes(":") ? "" : name;
}
