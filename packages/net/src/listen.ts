/** How a Server of node:net begins to listen on a libOS, and what becomes of its connections. */
import cluster from "node:cluster";
import diagnostics from "node:diagnostics_channel";
import type { Server as NodeServer } from "node:net";
import type { QueueDescriptor } from "@demikernel/core";
import { DemiError } from "@demikernel/core";
import { tellPrimary } from "./cluster-worker.js";
import { presentContext } from "./context.js";
import { listenError, systemError } from "./errors.js";
import { Listening, type ListenOptions } from "./listening.js";
import { QueueLink } from "./queue-link.js";
import { routeOf } from "./route.js";
import { Socket } from "./socket.js";
import { openStack, type Stack, withStack } from "./stack.js";

/** What node:net keeps on a Server. */
interface Internals {
  _handle: Handle | null;
  _connections: number;
  _connectionKey?: string;
  _unref: boolean;
  allowHalfOpen: boolean;
  pauseOnConnect: boolean;
  noDelay: boolean;
  keepAlive: boolean;
  keepAliveInitialDelay: number;
  highWaterMark: number;
  maxConnections?: number;
}
type Handle = Pick<Listening, "close" | "ref" | "unref"> & Partial<Pick<Listening, "getsockname">>;
type ListeningServer = NodeServer & Internals;

const connected = diagnostics.channel("net.server.socket");
const asyncEnd = diagnostics.channel("tracing:net.server.listen:asyncEnd");
const failure = diagnostics.channel("tracing:net.server.listen:error");
const USUAL_BACKLOG = 511;
const UV_TCP_IPV6ONLY = 1;

/** As listen() of node:net hands them on: address null for all, family -1 for a pipe, a descriptor. */
export function listen2(
  _address: string | null,
  _port: number,
  _family: number | null,
  _backlog: number | undefined,
  _descriptor?: number,
  _flags?: number,
): void {}
type Arguments = Parameters<typeof listen2>;

/** False: it is none of ours, but the kernel's. */
export function makeListenable(
  given: NodeServer,
  [address, port, family, backlog, descriptor, flags]: Arguments,
): boolean {
  const server = given as ListeningServer;
  // A handle that exists, a descriptor, a pipe.
  if (server._handle || typeof descriptor === "number" || family === -1 || family === null) return false;
  const options: ListenOptions = {
    address,
    port,
    family: family === 6 ? 6 : 4,
    backlog: backlog || USUAL_BACKLOG,
    ipv6Only: ((flags ?? 0) & UV_TCP_IPV6ONLY) !== 0,
    reuseport: cluster.isWorker,
  };
  const stack = openStack();
  if (stack !== undefined) {
    if (routeOf(stack, address ?? "::", "listen") === "kernel") return false;
    begin(server, stack, options);
    return true;
  }
  const place = new Place();
  server._handle = place;
  withStack(
    (made) => {
      if (server._handle !== place) return;
      server._handle = null;
      if (place.isUnreferenced) server._unref = true;
      begin(server, made, options);
    },
    (error) => {
      if (server._handle !== place) return;
      server._handle = null;
      fail(server, error);
    },
  );
  return true;
}

function begin(server: ListeningServer, stack: Stack, options: ListenOptions): void {
  const { address, port, family } = options;
  // What listens, not what is accepted, is the application's: as behind node:net, sockets that are accepted have no context of their own.
  const context = presentContext();
  let listening: Listening;
  try {
    listening = Listening.on(
      stack,
      options,
      (from, qd, viaMapped) => {
        context.runInAsyncScope(accept, undefined, server, from, qd, viaMapped);
      },
      (errno) => context.runInAsyncScope(server.emit, server, "error", systemError(errno, "accept")),
      () => context.runInAsyncScope(server.close, server),
    );
  } catch (error) {
    if (!(error instanceof DemiError)) throw error;
    fail(server, listenError(error.errno, address ?? "::", port));
    return;
  }
  server._handle = listening;
  server._connectionKey = `${family}:${address ?? "::"}:${port}`;
  if (asyncEnd.hasSubscribers) asyncEnd.publish({ server });
  if (server._unref) listening.unref();
  tellPrimary(server);
  process.nextTick(() => {
    if (server._handle !== null) server.emit("listening");
  });
}

function fail(server: ListeningServer, error: Error): void {
  if (failure.hasSubscribers) failure.publish({ server, error });
  process.nextTick(() => server.emit("error", error));
}

function accept(server: ListeningServer, stack: Stack, qd: QueueDescriptor, viaMapped: boolean): void {
  if (server.maxConnections && server._connections >= server.maxConnections) {
    drop(server, stack, qd);
    return;
  }
  let socket: Socket;
  try {
    socket = socketOf(server, stack, qd, viaMapped);
  } catch (error) {
    // The server has what no Socket is made with: a highWaterMark of NaN.
    stack.os.close(qd);
    throw error;
  }
  server._connections++;
  socket.server = server;
  socket._server = server;
  server.emit("connection", socket);
  if (connected.hasSubscribers) connected.publish({ socket });
}

function socketOf(server: ListeningServer, stack: Stack, qd: QueueDescriptor, viaMapped: boolean): Socket {
  return new Socket(
    {
      allowHalfOpen: server.allowHalfOpen,
      readableHighWaterMark: server.highWaterMark,
      writableHighWaterMark: server.highWaterMark,
      noDelay: server.noDelay,
      keepAlive: server.keepAlive,
      keepAliveInitialDelay: server.keepAliveInitialDelay * 1000,
    },
    {
      linkFor: (user) => {
        const link = new QueueLink(stack, qd, user, viaMapped);
        if (server.noDelay) link.setNoDelay(true);
        if (server.keepAlive) link.setKeepAlive(true);
        return link;
      },
      pauseOnCreate: server.pauseOnConnect,
    },
  );
}

function drop(server: ListeningServer, stack: Stack, qd: QueueDescriptor): void {
  const name = (which: "getsockname" | "getpeername") => {
    try {
      return stack.os[which](qd);
    } catch {
      return undefined;
    }
  };
  const [local, remote] = [name("getsockname"), name("getpeername")];
  server.emit("drop", {
    localAddress: local?.host,
    localPort: local?.port,
    localFamily: local && `IPv${local.family}`,
    remoteAddress: remote?.host,
    remotePort: remote?.port,
    remoteFamily: remote && `IPv${remote.family}`,
  } as never);
  stack.os.close(qd);
}

/** Where the queues will stand: the libOS is being opened. */
class Place implements Handle {
  isUnreferenced = false;
  close(done?: () => void): void {
    if (done !== undefined) setImmediate(done);
  }
  ref(): void {
    this.isUnreferenced = false;
  }
  unref(): void {
    this.isUnreferenced = true;
  }
}
