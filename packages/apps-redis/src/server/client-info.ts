/** A client as CLIENT LIST tells it. */
import type { Client } from "./client.js";
import { PubSub } from "./pubsub.js";
import type { Server } from "./server.js";

export type ClientType = "normal" | "master" | "replica" | "pubsub";

export function clientTypeOf(name: string): ClientType | undefined {
  const given = name.toLowerCase();
  if (given === "slave") return "replica";
  return (["normal", "master", "replica", "pubsub"] as const).find((one) => one === given);
}

/** A MONITOR counts as a replica. */
export function typeOf(client: Client): ClientType {
  if (client.isMonitor || client.replica !== undefined) return "replica";
  return PubSub.isSubscriber(client) ? "pubsub" : "normal";
}

/** Bytes that are held for a client, roughly. */
export function memoryOf(client: Client): number {
  return BASE_BYTES + (client.query?.length ?? 0) + client.output.pending + multiMemoryOf(client) + namesOf(client);
}
/** Of names that are remembered for it: what it watches, listens to and tracks. */
function namesOf({ subscriptions: all, tracking, watched, watchedBytes }: Client): number {
  let bytes = watchedBytes + watched.length * NAME_BYTES;
  if (all !== undefined) bytes += all.bytes + (all.channel.size + all.pattern.size + all.shard.size) * NAME_BYTES;
  if (tracking !== undefined) bytes += tracking.prefixBytes + tracking.prefixes.length * NAME_BYTES;
  return bytes;
}
/** Of a name, beside its bytes. */
const NAME_BYTES = 64;
/** Of the objects that stand for it. */
const BASE_BYTES = 1024;

export const multiMemoryOf = ({ transaction }: Client): number => transaction?.bytes ?? 0;

export function clientInfo(server: Server, client: Client): string {
  const now = Date.now();
  const { subscriptions, output, tracking } = client;
  const isRunning = client === server.current;
  const buffered = isRunning ? server.requests.batch : client.filled;
  const multiMemory = multiMemoryOf(client);
  const fields: Record<string, string | number> = {
    id: client.id,
    addr: client.address,
    laddr: client.localAddress,
    fd: Math.abs(client.qd),
    name: client.name,
    age: seconds(now - client.created),
    idle: seconds(now - client.lastSeen),
    flags: client === server.replication.link.client ? "M" : flagsOf(client),
    db: client.db,
    sub: subscriptions?.channel.size ?? 0,
    psub: subscriptions?.pattern.size ?? 0,
    ssub: subscriptions?.shard.size ?? 0,
    multi: client.transaction?.queued.length ?? -1,
    qbuf: buffered,
    "qbuf-free": Math.max(0, (client.query?.length ?? 0) - buffered),
    "argv-mem": isRunning ? argumentBytes(server) : 0,
    "multi-mem": multiMemory,
    rbs: 0,
    rbp: 0,
    obl: output.underWay,
    oll: output.waitingChunks,
    omem: output.kept,
    "tot-mem": memoryOf(client),
    events: client.output.isIdle ? "r" : "rw",
    cmd: client.command?.fullName ?? "NULL",
    user: client.user?.name ?? "default",
    redir: tracking?.redirect ?? -1,
    resp: client.resp,
  };
  return Object.entries(fields)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

const seconds = (milliseconds: number): number => Math.max(0, Math.floor(milliseconds / 1000));

function argumentBytes({ call: { args } }: Server): number {
  let bytes = 0;
  for (let i = 0; i < args.count; i++) bytes += args.length(i);
  return bytes;
}

function flagsOf(client: Client): string {
  let flags = "";
  if (client.isMonitor) flags += "O";
  if (client.replica !== undefined) flags += "S";
  if (PubSub.isSubscriber(client)) flags += "P";
  if (client.transaction !== undefined) flags += "x";
  if (client.blocked !== undefined) flags += "b";
  if (client.tracking !== undefined) flags += "t";
  if (client.tracking?.isBroken) flags += "R";
  if (client.tracking?.isBroadcast) flags += "B";
  if (client.isDirty) flags += "d";
  if (client.isLeaving) flags += "c";
  if (client.isKept) flags += "e";
  return flags || "N";
}
