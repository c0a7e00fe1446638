import type { Call } from "../../server/call.js";
import { beginTransaction, discardTransaction, runTransaction } from "../../server/transaction.js";

export function multi({ client, reply }: Call): void {
  if (client.transaction !== undefined) return reply.error("ERR MULTI calls can not be nested");
  beginTransaction(client);
  reply.ok();
}

export function exec({ client, reply, server }: Call): void {
  const { transaction } = client;
  if (transaction === undefined) return reply.error("ERR EXEC without MULTI");
  server.watches.expireOf(client);
  if (!transaction.isAborted && !client.isDirty) return runTransaction(server, client);
  if (transaction.isAborted) reply.error("EXECABORT Transaction discarded because of previous errors.");
  else reply.nullArray();
  discardTransaction(server, client);
}

export function discard({ client, reply, server }: Call): void {
  if (client.transaction === undefined) return reply.error("ERR DISCARD without MULTI");
  discardTransaction(server, client);
  reply.ok();
}

export function watch({ args, client, db, reply, server }: Call): void {
  if (client.transaction !== undefined) return reply.error("ERR WATCH inside MULTI is not allowed");
  for (let i = 1; i < args.count && !client.isDirty; i++) {
    db.find(args.bytes, args.at(i), args.length(i));
    server.watches.watch(client, db, args.text(i));
  }
  reply.ok();
}

export function unwatch({ client, reply, server }: Call): void {
  server.watches.unwatchAll(client);
  client.isDirty = false;
  reply.ok();
}
