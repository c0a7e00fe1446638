/**
 * A numeric network address; `host` is never resolved, except that "localhost" means the loopback of the socket's family. An IPv6 zone is
 * a number or an interface's name: "fe80::1%eth0".
 */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** An address as getsockname, getpeername and datagram pops report it. */
export interface SocketAddress extends Address {
  readonly family: 4 | 6;
}
