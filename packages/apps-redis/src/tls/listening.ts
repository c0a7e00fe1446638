/** Clients by TLS (tls-port): node:tls over the libOS, by @demikernel/net. */
import { once } from "node:events";
import { createSecureContext, type TLSSocket, type Server as TlsServer } from "node:tls";
import { type Bound, boundAddresses } from "../server/listening.js";
import type { Server } from "../server/server.js";
import { tlsOptions } from "./options.js";
import { StreamOutput } from "./stream-output.js";

type Net = typeof import("@demikernel/net");

/** Milliseconds for a handshake. */
const HANDSHAKE = 10_000;
/** What sets up the listeners anew when it is changed: all but ports and addresses concern new connections only. */
const FOLLOWED = [
  "bind",
  "tls-port",
  "tls-cert-file",
  "tls-key-file",
  "tls-key-file-pass",
  "tls-ca-cert-file",
  "tls-ca-cert-dir",
  "tls-auth-clients",
  "tls-protocols",
  "tls-ciphers",
  "tls-ciphersuites",
  "tls-dh-params-file",
  "tls-prefer-server-ciphers",
  "tls-session-caching",
  "tls-session-cache-timeout",
];

export class TlsListening {
  private net: Net | undefined;
  private readonly servers = new Map<string, TlsServer>();

  constructor(private readonly server: Server) {}

  /** As configured; throws a sentence. Only then is @demikernel/net loaded. */
  async start(): Promise<void> {
    await this.listen();
    for (const name of FOLLOWED) this.server.config.onChange(name, this.follow);
  }

  close(): void {
    for (const one of this.servers.values()) one.close();
    this.servers.clear();
  }

  /** After CONFIG SET. Whether a new port can be had is known later: then it is told in the log. */
  private readonly follow = (): string | undefined => {
    const { config } = this.server;
    try {
      if (config.tlsPort !== 0) createSecureContext(tlsOptions(config));
    } catch (error) {
      this.server.log(`TLS: ${(error as Error).message}`);
      return "Unable to update TLS configuration. Check server logs.";
    }
    // At once: the next command may want the port.
    this.leaveOthers(this.wanted());
    // One after the other: of several parameters that are set together each is told of.
    this.listening = this.listening
      .then(() => this.listen())
      .catch((error: Error) => this.server.log(`TLS: ${error.message}`));
    return undefined;
  };
  private listening: Promise<void> = Promise.resolve();

  /** The addresses to listen on, by the names of {@link servers}. */
  private wanted(): Map<string, Bound> {
    const { bind, tlsPort } = this.server.config;
    const addresses = tlsPort === 0 ? [] : boundAddresses(bind);
    return new Map(addresses.map((bound) => [`${bound.host} ${tlsPort}`, bound]));
  }

  private leaveOthers(wanted: ReadonlyMap<string, Bound>): void {
    for (const [name, one] of this.servers) {
      if (wanted.has(name)) continue;
      one.close();
      this.servers.delete(name);
    }
  }

  private async listen(): Promise<void> {
    const wanted = this.wanted();
    this.leaveOthers(wanted);
    if (wanted.size === 0) return;
    const options = tlsOptions(this.server.config);
    if (this.net === undefined) {
      this.net = await import("@demikernel/net");
      this.server.shared = this.net.share(this.server.os);
    }
    for (const one of this.servers.values()) {
      one.setSecureContext(options);
      // Node has no call for these, and looks at them with each connection.
      Object.assign(one, { requestCert: options.requestCert, rejectUnauthorized: options.rejectUnauthorized });
    }
    for (const [name, bound] of wanted) if (!this.servers.has(name)) await this.add(this.net, name, bound, options);
  }

  private async add(net: Net, name: string, { host, isOptional }: Bound, options: object): Promise<void> {
    const one = net.createTLSServer({ ...options, handshakeTimeout: HANDSHAKE }, (socket) => this.welcome(socket));
    // A handshake that fails is the client's trouble.
    one.on("tlsClientError", () => {});
    one.listen({ host, port: this.server.config.tlsPort, backlog: this.server.config.tcpBacklog });
    try {
      await once(one, "listening");
    } catch (error) {
      if (isOptional && (error as NodeJS.ErrnoException).code !== "EADDRINUSE") return;
      throw new Error(`${host}:${this.server.config.tlsPort}: ${(error as Error).message}`);
    }
    one.on("error", (error) => this.server.log(`TLS: ${error.message}`));
    this.servers.set(name, one);
  }

  private welcome(socket: TLSSocket): void {
    const { server } = this;
    const output = new StreamOutput(socket, server.gate);
    const address = (host = "", port = 0): string => (host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`);
    const client = server.listeners.addStream(
      output,
      address(socket.remoteAddress, socket.remotePort),
      address(socket.localAddress, socket.localPort),
    );
    socket.on("error", () => {});
    output.onSent = (bytes) => {
      if (!client.isClosed) server.sent(client, bytes);
    };
    socket.on("data", (bytes: Buffer) => {
      if (!client.isClosed && !client.isLeaving) server.requests.onBytes(client, bytes, 0, bytes.length);
    });
    socket.on("end", () => server.close(client));
    socket.on("close", () => server.close(client));
  }
}
