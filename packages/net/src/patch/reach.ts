/** What a device cannot reach: the machine's own addresses. They stay the kernel's, and the application is told so. */
import { BlockList, isIP } from "node:net";
import { type Route, setRoute, type Use } from "../route.js";

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** Backends that have them: the kernel's sockets, and queues in this process. */
const REACHING = ["posix", "memory"];

export function isLoopback(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return address.toLowerCase() === "localhost";
  return loopback.check(address, family === 6 ? "ipv6" : "ipv4");
}

export function reachOf(backend: string, address: string): Route {
  return !REACHING.includes(backend) && isLoopback(address) ? "kernel" : "libos";
}

const told = new Set<string>();

/** From now on. */
export function leaveUnreachable(): void {
  setRoute(({ name }, address, use) => {
    const route = reachOf(name, address);
    if (route === "kernel") tell(name, address, use);
    return route;
  });
}

function tell(backend: string, address: string, use: Use): void {
  if (told.has(address)) return;
  told.add(address);
  const what = use === "listen" ? "a server listens on" : "a connection goes to";
  process.emitWarning(`${what} ${address}, which ${backend} cannot reach: it stays with the kernel`, {
    type: "DemikernelWarning",
    code: "DEMI_KERNEL_ROUTE",
  });
}
