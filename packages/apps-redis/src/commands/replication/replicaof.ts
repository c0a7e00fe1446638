/** REPLICAOF, SLAVEOF, FAILOVER, ROLE, WAIT: what an administrator asks of replication. */
import { tellRole } from "../../replication/info.js";
import { type Call, NOT_INTEGER } from "../../server/call.js";

const MOST_PORT = 65535;

export function replicaOf({ args, client, reply, server }: Call): void {
  const { replication } = server;
  if (replication.failover.state !== "no-failover") return reply.error("ERR REPLICAOF not allowed while failing over.");
  if (args.is(1, "no") && args.is(2, "one")) {
    replication.promote();
    return reply.ok();
  }
  if (client.replica !== undefined) return reply.error("ERR Command is not valid when client is a replica.");
  const port = args.safeInteger(2);
  if (port === undefined || port < 0 || port > MOST_PORT) return reply.error("ERR Invalid master port");
  const host = args.text(1);
  const { master } = replication;
  if (master?.host.toLowerCase() === host.toLowerCase() && master.port === port)
    return reply.status("OK Already connected to specified master");
  replication.follow({ host, port });
  reply.ok();
}

export function failover(call: Call): void {
  const { args, reply, server } = call;
  const { replication } = server;
  const { failover: handover } = replication;
  if (args.count === 2 && args.is(1, "abort")) {
    if (handover.state === "no-failover") return reply.error("ERR No failover in progress.");
    handover.abort();
    return reply.ok();
  }
  let timeout = 0;
  let isForced = false;
  let host: string | undefined;
  let port = 0;
  for (let i = 1; i < args.count; i++) {
    if (args.is(i, "timeout") && i + 1 < args.count && timeout === 0) {
      const given = args.safeInteger(++i);
      if (given === undefined) return reply.error(NOT_INTEGER);
      if (given <= 0) return reply.error("ERR FAILOVER timeout must be greater than 0");
      timeout = given;
    } else if (args.is(i, "to") && i + 2 < args.count && host === undefined) {
      const given = args.safeInteger(i + 2);
      if (given === undefined) return reply.error(NOT_INTEGER);
      host = args.text(i + 1);
      port = given;
      i += 2;
    } else if (args.is(i, "force") && !isForced) {
      isForced = true;
    } else {
      return call.syntaxError();
    }
  }
  if (handover.state !== "no-failover") return reply.error("ERR FAILOVER already in progress.");
  if (replication.master !== undefined) return reply.error("ERR FAILOVER is not valid when server is a replica.");
  if (replication.replicas.size === 0) return reply.error("ERR FAILOVER requires connected replicas.");
  if (isForced && (timeout === 0 || host === undefined))
    return reply.error("ERR FAILOVER with force option requires both a timeout and target HOST and IP.");
  if (host !== undefined) {
    const replica = handover.find({ host, port });
    if (replica === undefined) return reply.error("ERR FAILOVER target HOST and PORT is not a replica.");
    if (replica.state !== "online") return reply.error("ERR FAILOVER target replica is not online.");
  }
  handover.begin(host === undefined ? undefined : { host, port }, timeout === 0 ? undefined : timeout, isForced);
  reply.ok();
}

export function role({ reply, server }: Call): void {
  tellRole(server, reply);
}

export function wait({ args, client, reply, server }: Call): void {
  const { acknowledgements, master } = server.replication;
  if (master !== undefined) {
    return reply.error(
      "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be " +
        "writable (which is not the default) writes to replicas are just local and are not propagated.",
    );
  }
  const wanted = args.integer(1);
  if (wanted === undefined) return reply.error(NOT_INTEGER);
  const timeout = args.integer(2);
  if (timeout === undefined) return reply.error("ERR timeout is not an integer or out of range");
  if (timeout < 0n) return reply.error("ERR timeout is negative");
  const count = acknowledgements.count(client.writeOffset);
  if (count >= wanted || client.transaction !== undefined) return reply.integer(count);
  acknowledgements.wait(client, client.writeOffset, Number(wanted), Number(timeout));
}
