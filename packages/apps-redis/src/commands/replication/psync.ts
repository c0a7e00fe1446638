/** PSYNC, SYNC and REPLCONF: what servers say to each other. */
import { splitArguments } from "../../protocol/inline.js";
import type { Introduction } from "../../replication/replica.js";
import { type Call, NOT_INTEGER } from "../../server/call.js";

const LONGEST_ADDRESS = 255;

export function sync(call: Call): void {
  const { args, client, reply, server } = call;
  const { replication } = server;
  if (client.replica !== undefined || client.isMonitor) return;
  const isOld = call.command.name === "sync";
  if (args.count > 3 && args.is(3, "failover")) {
    if (replication.master === undefined) return reply.error("ERR PSYNC FAILOVER can't be sent to a master.");
    if (args.text(1).toLowerCase() !== replication.id)
      return reply.error("ERR PSYNC FAILOVER replid must match my replid.");
    replication.promote();
  }
  if (replication.failover.state !== "no-failover") return reply.error("NOMASTERLINK Can't SYNC while failing over");
  if (replication.master !== undefined && replication.link.state !== "connected")
    return reply.error("NOMASTERLINK Can't SYNC while not connected with my master");
  if (reply.length !== 0 || !client.output.isIdle)
    return reply.error("ERR SYNC and PSYNC are invalid with pending output");
  const introduction = replication.introductionOf(client);
  if (introduction.isFiltered && !introduction.takesEof)
    return reply.error("ERR Filtered replica requires EOF capability");
  if (!isOld) {
    const offset = args.safeInteger(2);
    if (offset === undefined) return reply.error(NOT_INTEGER);
    if (goOn(call, offset)) {
      replication.partialSyncs++;
      return;
    }
    if (!args.text(1).startsWith("?")) replication.refusedPartialSyncs++;
  }
  replication.fullSyncs++;
  const replica = replication.addReplica(client);
  replica.isOld = isOld;
  if (replication.backlog === undefined) {
    // There is no history before it.
    replication.changeId();
    replication.makeBacklog();
  }
  replication.syncs.add(replica);
}

/** The replica goes on from where it is, if that is a place of this history that is still there. */
function goOn({ args, client, server }: Call, offset: number): boolean {
  const { replication } = server;
  const id = args.text(1).toLowerCase();
  replication.stream.flush();
  const { backlog } = replication;
  const isOfBefore = id === replication.id2 && offset <= replication.secondOffset;
  if ((id !== replication.id && !isOfBefore) || backlog === undefined || !backlog.has(offset)) return false;
  const replica = replication.addReplica(client);
  replica.state = "online";
  const name = replica.introduction.takesNewId ? ` ${replication.id}` : "";
  server.sendText(client, `+CONTINUE${name}\r\n`);
  backlog.read(offset, (bytes) => server.sendBytes(client, bytes, bytes.length));
  replication.judge();
  return true;
}

export function replconf(call: Call): void {
  const { args, client, reply, server } = call;
  const { replication } = server;
  if (args.count % 2 === 0) return call.syntaxError();
  for (let i = 1; i < args.count; i += 2) {
    if (args.is(i, "ack")) {
      if (client.replica !== undefined) acknowledged(call, i + 1);
      return;
    }
    if (args.is(i, "getack")) {
      if (replication.master !== undefined) replication.link.acknowledge();
      return;
    }
    const why = introduce(call, replication.introductionOf(client), i);
    if (why !== undefined) return reply.error(why);
  }
  reply.ok();
}

function acknowledged({ args, client, server }: Call, i: number): void {
  const { replica } = client;
  const offset = args.safeInteger(i);
  if (replica === undefined || offset === undefined) return;
  replica.ackOffset = Math.max(replica.ackOffset, offset);
  replica.ackTime = Date.now();
  server.replication.syncs.acknowledged(replica);
  server.replication.acknowledgements.acknowledged();
}

/** What the client says of itself. Why it cannot be, or undefined. */
function introduce({ args }: Call, introduction: Introduction, i: number): string | undefined {
  const value = args.text(i + 1);
  const number = args.safeInteger(i + 1);
  if (args.is(i, "listening-port")) {
    if (number === undefined) return NOT_INTEGER;
    introduction.port = number;
  } else if (args.is(i, "ip-address")) {
    if (value.length >= LONGEST_ADDRESS)
      return `ERR REPLCONF ip-address provided by replica instance is too long: ${value.length} bytes`;
    introduction.address = value;
  } else if (args.is(i, "capa")) {
    if (args.is(i + 1, "eof")) introduction.takesEof = true;
    if (args.is(i + 1, "psync2")) introduction.takesNewId = true;
  } else if (args.is(i, "rdb-only")) {
    if (number === undefined) return NOT_INTEGER;
    if (number !== 0 && number !== 1) return "ERR value is out of range";
    introduction.isRdbOnly = number === 1;
  } else if (args.is(i, "rdb-filter-only")) {
    const parts = splitArguments(value);
    if (parts === undefined) return "ERR Missing rdb-filter-only values";
    introduction.withoutData = introduction.withoutFunctions = true;
    for (const part of parts) {
      if (part.toLowerCase() !== "functions") return `ERR Unsupported rdb-filter-only option: ${part}`;
      introduction.withoutFunctions = false;
    }
  } else {
    return `ERR Unrecognized REPLCONF option: ${args.text(i)}`;
  }
  return undefined;
}
