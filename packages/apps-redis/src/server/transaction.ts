/** MULTI to EXEC of a client (Redis: multi.c). */
import type { Client, Transaction } from "./client.js";
import { run } from "./dispatch.js";
import type { Server } from "./server.js";

export function beginTransaction(client: Client): void {
  client.transaction = { queued: [], bytes: 0, isAborted: false };
}

/** The client is in no transaction and watches nothing: DISCARD, RESET, and the end of EXEC. */
export function discardTransaction(server: Server, client: Client): void {
  client.transaction = undefined;
  client.isDirty = false;
  server.watches.unwatchAll(client);
}

/** Runs what is queued, and replies it all. The client is within the transaction until the end, so nothing waits. */
export function runTransaction(server: Server, client: Client): void {
  const { reply } = server.call;
  const { queued } = client.transaction as Transaction;
  server.watches.unwatchAll(client);
  reply.array(queued.length);
  const { errors } = reply;
  server.propagation.enterUnit();
  for (const { command, args } of queued) {
    // Permissions may have changed since it was queued.
    const why = server.acl.check(client, command, args) ?? server.memory.refusalWithin(command, args);
    if (why === undefined) run(server, client, command, args);
    else reply.error(why);
  }
  server.propagation.leaveUnit();
  // What fails within it is not a failure of EXEC.
  reply.errors = errors;
  discardTransaction(server, client);
}
