/** MONITOR. */
import type { Call } from "../../server/call.js";

export function monitor({ client, reply, server }: Call): void {
  reply.ok();
  // Again: as it was.
  if (client.isMonitor) return;
  client.isMonitor = true;
  server.observer.monitors.add(client);
}
