import type { Call } from "../../server/call.js";

/** BGREWRITEAOF. */
export function rewriteAof({ client, reply, server }: Call): void {
  const { rewriting } = server;
  if (rewriting.isRunning) return reply.error("ERR Background append only file rewriting already in progress");
  if (!server.snapshots.isFree || client.transaction !== undefined) {
    rewriting.schedule();
    return reply.status("Background append only file rewriting scheduled");
  }
  if (rewriting.start()) return reply.status("Background append only file rewriting started");
  reply.error("ERR Can't execute an AOF background rewriting. Please check the server logs for more information.");
}
