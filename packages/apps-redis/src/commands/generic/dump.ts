import { dumpPayload, isPayload, loadPayload } from "../../rdb/payload.js";
import { type Call, NOT_INTEGER } from "../../server/call.js";
import { type CommandSpec, keys } from "../command.js";
import { made } from "./key-event.js";

function dump(call: Call): void {
  const { args, db, reply } = call;
  const ref = db.lookup(args.bytes, args.at(1), args.length(1));
  if (ref === 0) return reply.null();
  const { bytes, length } = dumpPayload(db, ref);
  reply.bulk(bytes, 0, length);
}

interface RestoreOptions {
  replaces: boolean;
  isAbsolute: boolean;
  /** Seconds, and a counter of LFU; -1: not said. */
  idle: number;
  frequency: number;
}

/** undefined: one is wrong, which was replied. */
function restoreOptions(call: Call): RestoreOptions | undefined {
  const { args, reply } = call;
  const options: RestoreOptions = { replaces: false, isAbsolute: false, idle: -1, frequency: -1 };
  for (let i = 4; i < args.count; i++) {
    const hasValue = i + 1 < args.count;
    if (args.is(i, "replace")) {
      options.replaces = true;
    } else if (args.is(i, "absttl")) {
      options.isAbsolute = true;
    } else if (hasValue && args.is(i, "idletime") && options.frequency === -1) {
      const idle = args.integer(++i);
      if (idle === undefined) reply.error(NOT_INTEGER);
      else if (idle < 0n) reply.error("ERR Invalid IDLETIME value, must be >= 0");
      if (idle === undefined || idle < 0n) return undefined;
      options.idle = Number(idle);
    } else if (hasValue && args.is(i, "freq") && options.idle === -1) {
      const frequency = args.integer(++i);
      if (frequency === undefined) reply.error(NOT_INTEGER);
      else if (frequency < 0n || frequency > 255n) reply.error("ERR Invalid FREQ value, must be >= 0 and <= 255");
      if (frequency === undefined || frequency < 0n || frequency > 255n) return undefined;
      options.frequency = Number(frequency);
    } else {
      call.syntaxError();
      return undefined;
    }
  }
  return options;
}

function restore(call: Call): void {
  const { args, db, reply, server } = call;
  const options = restoreOptions(call);
  if (options === undefined) return;
  if (!options.replaces && db.lookupWrite(args.bytes, args.at(1), args.length(1)) !== 0)
    return reply.error("BUSYKEY Target key name already exists.");
  const given = args.integer(2);
  if (given === undefined) return reply.error(NOT_INTEGER);
  if (given < 0n) return reply.error("ERR Invalid TTL value, must be >= 0");
  if (!isPayload(args.bytes, args.at(3), args.length(3), server.rdb.skipsChecksums))
    return reply.error("ERR DUMP payload version or checksum are wrong");
  const loaded = loadPayload(args.bytes, args.at(3), args.length(3), server);
  if (loaded === undefined) return reply.error("ERR Bad data format");
  const old = options.replaces ? db.lookupWrite(args.bytes, args.at(1), args.length(1)) : 0;
  // As Redis's sum in 64 bits.
  const expiry = BigInt.asIntN(64, options.isAbsolute || given === 0n ? given : given + BigInt(db.keyspace.now()));
  if (given !== 0n && call.isOver(expiry)) {
    loaded.discard();
    if (old !== 0) {
      db.delete(old);
      call.changed(1, "g", "del");
      call.toldAsDeleted(1, false);
    }
    return reply.ok();
  }
  // Without memory for the new one the old one stays.
  let ref = loaded.add(db, args.bytes, args.at(1), args.length(1));
  if (old !== 0) db.delete(old);
  if (given !== 0n) ref = db.setExpiry(ref, expiry);
  const clock = server.evictor.clockFor(options.idle, options.frequency);
  if (clock !== undefined) db.setClock(ref, clock);
  made(call, db, 1);
  call.changed(1, "g", "restore");
  if (given !== 0n && !options.isAbsolute && server.propagation.isOn) {
    const told = server.propagation
      .insteadOf(db.id, args.count + 1)
      .argument(args, 0, 2)
      .integer(expiry);
    told.argument(args, 3, args.count).text("ABSTTL");
  }
  reply.ok();
}

export const dumpCommands: readonly CommandSpec[] = [
  {
    name: "dump",
    arity: 2,
    flags: "readonly",
    categories: "keyspace",
    group: "generic",
    since: "2.6.0",
    complexity: "O(N) for a value of N bytes",
    summary: "A key's value as bytes, which RESTORE takes.",
    keys: keys("RO access"),
    hints: "nondeterministic_output",
    handler: dump,
  },
  {
    name: "restore",
    arity: -4,
    flags: "write denyoom",
    categories: "keyspace dangerous",
    group: "generic",
    since: "2.6.0",
    complexity: "O(N) for a value of N bytes; O(N*log(N)) for a sorted set of N members",
    summary: "Makes a key of the bytes that DUMP gave.",
    keys: keys("OW update"),
    handler: restore,
  },
];
