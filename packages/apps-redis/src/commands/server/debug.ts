/** DEBUG: what tests and the curious ask for. */
import { readMemory } from "../../config/parameter.js";
import { ENCODING_NAMES, Encoding } from "../../keyspace/types.js";
import { chunkOf, type Ref } from "../../memory/heap.js";
import { LOADING } from "../../persistence/refusals.js";
import { dumpPayload } from "../../rdb/payload.js";
import { type Call, NO_SUCH_KEY, NOT_INTEGER } from "../../server/call.js";
import { limits } from "../../values/quicklist-limits.js";
import { eachNode, openList } from "../../values/stored-list.js";
import type { CommandSpec } from "../command.js";
import { help } from "../help.js";
import { configRewriteAll } from "./config-command.js";
import { digestOfAll, digestOfValue } from "./debug-digest.js";
import { replyOfKind } from "./debug-protocol.js";
import { loadAof, reload } from "./debug-reload.js";

/** Bytes of a payload beyond the value: the type, the version, the checksum. */
const PAYLOAD_BYTES = 11;
/** Bytes of DEBUG LOG's text that are told. */
const LONGEST_LOGGED = 1024;
/** Somewhat less than a listpack can have. */
const LARGEST_PACKED = 2n ** 32n - 2n ** 20n;

/** The record of the key that argument `i` is, expired or not; 0: there is none. */
function raw({ args, db }: Call, i: number): Ref {
  return db.dict.find(args.bytes, args.at(i), args.length(i));
}

/** Of a text that begins with an integer, as C's atoi has it. */
const integerAt = (text: string): number => Number.parseInt(text, 10) || 0;

function sleep({ args, client, db, reply }: Call): void {
  const seconds = Number.parseFloat(args.text(2)) || 0;
  if (seconds > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000);
  // All of a transaction has one time.
  if (client.transaction === undefined) db.keyspace.setNow(Date.now());
  reply.ok();
}

function object(call: Call): void {
  const { db, reply, server } = call;
  const ref = raw(call, 2);
  if (ref === 0) return reply.error(NO_SUCH_KEY);
  const encoding = db.encodingOf(ref);
  const clock = db.clockOf(ref);
  const { length } = dumpPayload(db, ref);
  const isList = encoding === Encoding.QUICKLIST || encoding === Encoding.QUICKLIST_NODE;
  reply.status(
    `Value at:0x${ref.toString(16)} refcount:1 encoding:${ENCODING_NAMES[encoding]} ` +
      `serializedlength:${length - PAYLOAD_BYTES} lru:${clock} ` +
      `lru_seconds_idle:${server.evictor.idleSeconds(clock)}${isList ? ofNodes(call, ref) : ""}`,
  );
}

function ofNodes({ db, server }: Call, ref: Ref): string {
  const { config } = server;
  let bytes = 0;
  eachNode(db, ref, (_plain, _bytes, _at, length) => {
    bytes += length;
  });
  const { nodes, count } = openList(db, ref, config.listMaxListpackSize);
  return (
    ` ql_nodes:${nodes} ql_avg_node:${(count / nodes).toFixed(2)} ql_listpack_max:${config.listMaxListpackSize}` +
    ` ql_compressed:${config.listCompressDepth === 0 ? 0 : 1} ql_uncompressed_size:${bytes}`
  );
}

function listpack(call: Call): void {
  const ref = raw(call, 2);
  const { db, reply } = call;
  if (ref === 0) return reply.error(NO_SUCH_KEY);
  if (db.encodingOf(ref) !== Encoding.LISTPACK) return reply.error("ERR Not a listpack encoded object.");
  const { bytes, length } = dumpPayload(db, ref, false);
  console.log(bytes.subarray(0, length).toString("hex"));
  reply.status("Listpack structure printed on stdout");
}

function packedThreshold({ args, reply }: Call): void {
  const bytes = readMemory(args.text(2));
  if (bytes === undefined || bytes > LARGEST_PACKED)
    return reply.error("ERR argument must be a memory value bigger than 1 and smaller than 4gb");
  limits.setPackedThreshold(Number(bytes));
  reply.ok();
}

function hashTables(call: Call): void {
  const { args, reply, server } = call;
  const id = args.integer(2);
  if (id === undefined) return reply.error(NOT_INTEGER);
  const db = server.keyspace.dbs[Number(id)];
  if (db === undefined) return reply.error("ERR Out of range database");
  const lines = ["[Dictionary HT]"];
  for (const [i, capacity] of db.dict.capacities.entries()) {
    lines.push(`Hash table ${i} stats (${i === 0 ? "main hash table" : "rehashing target"}):`);
    if (db.size === 0) lines.push("No stats available for empty dictionaries");
    else lines.push(` table size: ${capacity}`, ` number of elements: ${db.size}`);
  }
  lines.push("[Expires HT]", ` number of elements: ${db.expires.size}`, "");
  reply.verbatim("txt", lines.join("\n"));
}

function populate(call: Call): void {
  const { args, db, reply } = call;
  const count = args.safeInteger(2);
  const size = args.count === 5 ? args.safeInteger(4) : 0;
  if (count === undefined || size === undefined) return reply.error(NOT_INTEGER);
  if (call.server.loading.isOn) return reply.error(LOADING);
  if (count < 0 || size < 0) return reply.error("ERR value is out of range, must be positive");
  const prefix = args.count > 3 ? args.text(3) : "key";
  // Who follows need not know DEBUG.
  call.server.propagation.instead(db.id);
  for (let i = 0; i < count; i++) {
    const key = Buffer.from(`${prefix}:${i}`, "latin1");
    if (db.lookupWrite(key, 0, key.length) !== 0) continue;
    const text = `value:${i}`;
    const length = size === 0 ? text.length : size;
    db.heap.demand(length);
    const ref = db.addString(key, 0, key.length, length, length > 44 ? Encoding.RAW : Encoding.EMBSTR);
    const target = db.heap.bytes[chunkOf(ref)];
    const at = db.stringAt(ref);
    target.fill(0, at, at + length);
    target.set(Buffer.from(text.slice(0, length), "latin1"), at);
    db.changed(key, 0, key.length);
  }
  reply.ok();
}

/** By name: how many arguments, both names included, and what runs. */
const SUBCOMMANDS: Record<string, { least: number; most: number; run: (call: Call) => void }> = {
  "change-repl-id": {
    least: 2,
    most: 2,
    run: ({ reply, server }) => {
      server.replication.changeId();
      reply.ok();
    },
  },
  "config-rewrite-force-all": { least: 2, most: 2, run: configRewriteAll },
  digest: { least: 2, most: 2, run: ({ reply, server }) => reply.status(digestOfAll(server.keyspace.dbs)) },
  "digest-value": {
    least: 2,
    most: Number.POSITIVE_INFINITY,
    run: (call) => {
      const { args, db, reply } = call;
      reply.array(args.count - 2);
      for (let i = 2; i < args.count; i++) reply.status(digestOfValue(db, raw(call, i)));
    },
  },
  error: { least: 3, most: 3, run: ({ args, reply }) => reply.error(args.text(2)) },
  help: {
    least: 2,
    most: 2,
    run: help(
      "CHANGE-REPL-ID",
      "    Takes another replication ID.",
      "CONFIG-REWRITE-FORCE-ALL",
      "    As CONFIG REWRITE, with every parameter.",
      "DIGEST",
      "    A hash of all data.",
      "DIGEST-VALUE [<key> ...]",
      "    A hash of each key's value.",
      "ERROR <string>",
      "    Replies an error.",
      "HTSTATS <dbid>",
      "    The hash tables of a database.",
      "LISTPACK <key>",
      "    Prints a value that is a listpack.",
      "LOADAOF",
      "    Loads the append-only file again.",
      "OBJECT <key>",
      "    How a value is held.",
      "PAUSE-CRON <0|1>",
      "    Whether nothing is done from time to time.",
      "POPULATE <count> [<prefix>] [<size>]",
      "    Makes so many keys.",
      "PROTOCOL <type>",
      "    Replies with something of that type.",
      "QUICKLIST-PACKED-THRESHOLD <size>",
      "    From which size on an element of a list is a node of its own.",
      "RELOAD [MERGE] [NOFLUSH] [NOSAVE]",
      "    Saves the dataset and loads it again; without some of that.",
      "SET-ACTIVE-EXPIRE <0|1>",
      "    Whether keys that have expired are deleted when nobody asks for them.",
      "SET-DISABLE-DENY-SCRIPTS <0|1>",
      "    Whether scripts may call what they may not.",
      "SET-SKIP-CHECKSUM-VALIDATION <0|1>",
      "    Whether RESTORE takes payloads whose checksum is wrong.",
      "SLEEP <seconds>",
      "    Stops the server for so long.",
    ),
  },
  htstats: { least: 3, most: 3, run: hashTables },
  listpack: { least: 3, most: 3, run: listpack },
  loadaof: { least: 2, most: 2, run: loadAof },
  object: { least: 3, most: 3, run: object },
  "pause-cron": {
    least: 3,
    most: 3,
    run: ({ args, reply, server }) => {
      server.cron.isPaused = integerAt(args.text(2)) !== 0;
      reply.ok();
    },
  },
  populate: { least: 3, most: 5, run: populate },
  protocol: { least: 3, most: 3, run: ({ args, reply }) => replyOfKind(reply, args.text(2).toLowerCase()) },
  "quicklist-packed-threshold": { least: 3, most: 3, run: packedThreshold },
  log: {
    least: 3,
    most: 3,
    run: ({ args, reply, server }) => {
      server.log(`DEBUG LOG: ${args.text(2).slice(0, LONGEST_LOGGED)}`);
      reply.ok();
    },
  },
  reload: { least: 2, most: Number.POSITIVE_INFINITY, run: reload },
  "set-active-expire": {
    least: 3,
    most: 3,
    run: ({ args, reply, server }) => {
      server.activeExpiry.isOn = integerAt(args.text(2)) !== 0;
      reply.ok();
    },
  },
  "set-disable-deny-scripts": {
    least: 3,
    most: 3,
    run: ({ args, reply, server }) => {
      server.scripting.current.allowsAll = integerAt(args.text(2)) !== 0;
      reply.ok();
    },
  },
  "set-skip-checksum-validation": {
    least: 3,
    most: 3,
    run: ({ args, reply, server }) => {
      server.rdb.skipsChecksums = integerAt(args.text(2)) !== 0;
      reply.ok();
    },
  },
  sleep: { least: 3, most: 3, run: sleep },
};

function debug(call: Call): void {
  const { args, reply } = call;
  const name = args.text(1).toLowerCase();
  const found = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined;
  if (found !== undefined && args.count >= found.least && args.count <= found.most) return found.run(call);
  const shown = args.text(1).slice(0, 128);
  reply.error(`ERR unknown subcommand or wrong number of arguments for '${shown}'. Try DEBUG HELP.`);
}

export const debugCommand: CommandSpec = {
  name: "debug",
  arity: -2,
  flags: "admin noscript loading stale",
  categories: "",
  group: "server",
  since: "1.0.0",
  complexity: "As the subcommand says",
  summary: "What tests and the curious ask for.",
  handler: debug,
};
