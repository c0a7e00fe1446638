/** What node:dgram's Socket has and no backend: TTL, broadcast and multicast. Each says so, as node:dgram does of a kernel that has not. */
import { errnoOf } from "@demikernel/core";
import { missing, systemError, wrongType } from "../errors.js";
import { NodeDatagramSocketBase } from "./node-socket.js";

const EBADF = errnoOf("EBADF");
const ENOTSUP = errnoOf("EOPNOTSUPP");

export abstract class SocketWithoutMulticast extends NodeDatagramSocketBase {
  /** Throws when it is closed. */
  protected abstract checkOpen(): void;
  protected abstract get isBound(): boolean;

  private unsupported(call: string): never {
    this.checkOpen();
    throw systemError(this.isBound ? ENOTSUP : EBADF, call);
  }

  setBroadcast(flag: boolean): void {
    // It is off anyway.
    if (flag || !this.isBound) this.unsupported("setBroadcast");
  }

  setTTL(ttl: number): number {
    if (typeof ttl !== "number") throw wrongType("ttl", "of type number", ttl);
    this.unsupported("setTTL");
  }

  setMulticastTTL(ttl: number): number {
    if (typeof ttl !== "number") throw wrongType("ttl", "of type number", ttl);
    this.unsupported("setMulticastTTL");
  }

  setMulticastLoopback(_flag: boolean): boolean {
    this.unsupported("setMulticastLoopback");
  }

  setMulticastInterface(multicastInterface: string): void {
    this.checkOpen();
    checkString(multicastInterface, "interfaceAddress");
    this.unsupported("setMulticastInterface");
  }

  addMembership(multicastAddress: string, _multicastInterface?: string): void {
    this.membership(multicastAddress, "addMembership");
  }

  dropMembership(multicastAddress: string, _multicastInterface?: string): void {
    this.membership(multicastAddress, "dropMembership");
  }

  private membership(multicastAddress: string, call: string): void {
    this.checkOpen();
    if (!multicastAddress) throw missing("multicastAddress");
    this.unsupported(call);
  }

  addSourceSpecificMembership(sourceAddress: string, groupAddress: string, _multicastInterface?: string): void {
    this.sourceMembership(sourceAddress, groupAddress, "addSourceSpecificMembership");
  }

  dropSourceSpecificMembership(sourceAddress: string, groupAddress: string, _multicastInterface?: string): void {
    this.sourceMembership(sourceAddress, groupAddress, "dropSourceSpecificMembership");
  }

  private sourceMembership(sourceAddress: string, groupAddress: string, call: string): void {
    this.checkOpen();
    checkString(sourceAddress, "sourceAddress");
    checkString(groupAddress, "groupAddress");
    this.unsupported(call);
  }
}

function checkString(value: unknown, name: string): void {
  if (typeof value !== "string") throw wrongType(name, "of type string", value);
}
