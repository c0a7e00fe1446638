/** CLIENT LIST, INFO, KILL and UNBLOCK: other clients. */

import type { Wait } from "../../server/blocking.js";
import type { Call } from "../../server/call.js";
import type { Client } from "../../server/client.js";
import { type ClientType, clientInfo, clientTypeOf, typeOf } from "../../server/client-info.js";
import type { Server } from "../../server/server.js";

/** By the order of their numbers. */
export function allClients(server: Server): Client[] {
  const { client: master } = server.replication.link;
  const isKnown = master !== undefined && server.replication.link.state === "connected";
  return [...server.clients.values(), ...(isKnown ? [master] : [])]
    .filter((client) => !client.isClosed)
    .sort((a, b) => a.id - b.id);
}

export function info({ client, reply, server }: Call): void {
  reply.verbatim("txt", `${clientInfo(server, client)}\n`);
}

export function list(call: Call): void {
  const { args, reply, server } = call;
  let clients = allClients(server);
  if (args.count === 4 && args.is(2, "type")) {
    const type = clientTypeOf(args.text(3));
    if (type === undefined) return reply.error(`ERR Unknown client type '${args.text(3)}'`);
    clients = clients.filter((client) => typeAt(server, client) === type);
  } else if (args.count > 3 && args.is(2, "id")) {
    const found: Client[] = [];
    for (let i = 3; i < args.count; i++) {
      const id = args.integer(i);
      if (id === undefined) return reply.error("ERR Invalid client ID");
      const client = clients.find((one) => one.id === Number(id));
      if (client !== undefined) found.push(client);
    }
    clients = found;
  } else if (args.count !== 2) {
    return call.syntaxError();
  }
  reply.verbatim("txt", clients.map((client) => `${clientInfo(server, client)}\n`).join(""));
}

interface Filter {
  id?: number;
  type?: ClientType;
  addr?: string;
  laddr?: string;
  user?: string;
  skipsMe: boolean;
}

export function kill(call: Call): void {
  const { args, client: me, reply, server } = call;
  const filter = args.count === 3 ? { addr: args.text(2), skipsMe: false } : readFilter(call);
  if (filter === undefined) return;
  let killed = 0;
  for (const client of allClients(server)) {
    if (!matches(server, client, filter) || (client === me && filter.skipsMe)) continue;
    if (client === me) me.isLeaving = true;
    else server.close(client);
    killed++;
  }
  if (args.count !== 3) reply.integer(killed);
  else if (killed === 0) reply.error("ERR No such client");
  else reply.ok();
}

/** The master is a client, too. */
const typeAt = (server: Server, client: Client): ClientType =>
  client === server.replication.link.client ? "master" : typeOf(client);

function matches(server: Server, client: Client, { id, type, addr, laddr, user }: Filter): boolean {
  return (
    (addr === undefined || client.address === addr) &&
    (laddr === undefined || client.localAddress === laddr) &&
    (type === undefined || typeAt(server, client) === type) &&
    (id === undefined || client.id === id) &&
    (user === undefined || client.user?.name === user)
  );
}

function readFilter(call: Call): Filter | undefined {
  const { args, reply, server } = call;
  const filter: Filter = { skipsMe: true };
  const fail = (why: string): undefined => {
    reply.error(why);
    return undefined;
  };
  for (let i = 2; i < args.count; i += 2) {
    if (i + 1 === args.count) return fail("ERR syntax error");
    const value = args.text(i + 1);
    if (args.is(i, "id")) {
      const id = args.integer(i + 1);
      if (id === undefined || id < 1n) return fail("ERR client-id should be greater than 0");
      filter.id = Number(id);
    } else if (args.is(i, "type")) {
      filter.type = clientTypeOf(value);
      if (filter.type === undefined) return fail(`ERR Unknown client type '${value}'`);
    } else if (args.is(i, "addr")) {
      filter.addr = value;
    } else if (args.is(i, "laddr")) {
      filter.laddr = value;
    } else if (args.is(i, "user")) {
      filter.user = value;
      if (!server.acl.users.has(value)) return fail(`ERR No such user '${value}'`);
    } else if (args.is(i, "skipme") && /^(?:yes|no)$/i.test(value)) {
      filter.skipsMe = value.toLowerCase() === "yes";
    } else {
      return fail("ERR syntax error");
    }
  }
  return filter;
}

export function unblock(call: Call): void {
  const { args, reply, server } = call;
  if (args.count > 4) return call.syntaxError();
  const isError = args.count === 4 && args.is(3, "error");
  if (args.count === 4 && !isError && !args.is(3, "timeout"))
    return reply.error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  const id = args.integer(2);
  if (id === undefined) return reply.error("ERR value is not an integer or out of range");
  const client = server.clientById(Number(id));
  if (client?.blocked === undefined || server.pause.isPostponed(client)) return reply.integer(0);
  const wait = client.blocked as Wait;
  if (wait.isFirm) return reply.integer(0);
  reply.integer(1);
  const waiting = client.command;
  if (waiting !== undefined) waiting.failed++;
  server.blocking.unblock(client, () => {
    if (isError) server.call.reply.error("UNBLOCKED client unblocked via CLIENT UNBLOCK");
    else wait.expire();
  });
}
