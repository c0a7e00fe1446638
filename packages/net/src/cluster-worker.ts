/** A worker of a cluster whose servers are its own: the primary, who has none of their handles, is told as Node would tell it. */
import cluster from "node:cluster";
import type { AddressInfo, Server } from "node:net";

/** Told when it listens; and it ends when the worker is disconnected. */
export function tellPrimary(server: Server): void {
  if (!cluster.isWorker) return;
  const { worker } = cluster;
  const close = () => server.close();
  server.once("listening", () => {
    const { address, port, family } = server.address() as AddressInfo;
    // Node's messages between workers and primary have this name.
    const message = { cmd: "NODE_CLUSTER", act: "listening", address, port, addressType: family === "IPv6" ? 6 : 4 };
    if (process.connected) process.send?.(message);
    worker?.once("disconnect", close);
  });
  server.once("close", () => worker?.off("disconnect", close));
}
