/** MEMORY: what keys take, and all of it. */
import { isBlob, Type } from "../../keyspace/types.js";
import type { Call } from "../../server/call.js";
import { memoryOfAll } from "./info-sections.js";

/** Below this the doctor finds nothing. */
const SMALL = 5 * 1024 * 1024;

export function memoryUsage(call: Call): void {
  const { args, db, reply } = call;
  for (let i = 3; i < args.count; i += 2) {
    if (!args.is(i, "samples") || i + 1 >= args.count) return call.syntaxError();
    const samples = args.integer(i + 1);
    if (samples === undefined) return reply.error("ERR value is not an integer or out of range");
    if (samples < 0n) return call.syntaxError();
  }
  const ref = db.find(args.bytes, args.at(2), args.length(2));
  if (ref === 0) return reply.null();
  let bytes = db.heap.capacity(ref);
  if (db.typeOf(ref) !== Type.STRING) {
    bytes += isBlob(db.encodingOf(ref)) ? db.heap.capacity(db.blob(ref)) : db.object(ref).bytes();
  }
  reply.integer(bytes);
}

export function memoryStats({ reply, server }: Call): void {
  const { used, peak, rss, base, reserved, tables, clients } = memoryOfAll(server);
  const { dbs, heap } = server.keyspace;
  const held = dbs.filter((db) => db.size !== 0);
  const count = held.reduce((sum, db) => sum + db.size, 0);
  const integers: [string, number][] = [
    ["peak.allocated", peak],
    ["total.allocated", used],
    ["startup.allocated", base],
    ["replication.backlog", 0],
    ["clients.slaves", 0],
    ["clients.normal", clients],
    ["cluster.links", 0],
    ["aof.buffer", 0],
    ["lua.caches", 0],
    ["functions.caches", 0],
  ];
  reply.map(27 + held.length);
  const tell = (name: string, value: number): void => {
    reply.text(name);
    reply.integer(value);
  };
  const share = (name: string, value: number): void => {
    reply.text(name);
    reply.double(Number.isFinite(value) ? String(value) : "0");
  };
  for (const [name, value] of integers) tell(name, value);
  for (const db of held) {
    reply.text(`db.${db.id}`);
    reply.map(3);
    tell("overhead.hashtable.main", db.dict.tableBytes);
    tell("overhead.hashtable.expires", db.expires.size * 4);
    tell("overhead.hashtable.slot-to-keys", 0);
  }
  tell("overhead.total", base + tables + clients);
  tell("keys.count", count);
  tell("keys.bytes-per-key", count === 0 ? 0 : Math.floor((used - base) / count));
  tell("dataset.bytes", heap.used);
  share("dataset.percentage", (heap.used * 100) / (used - base));
  share("peak.percentage", (used * 100) / peak);
  tell("allocator.allocated", used);
  tell("allocator.active", reserved);
  tell("allocator.resident", reserved);
  share("allocator-fragmentation.ratio", reserved / used);
  tell("allocator-fragmentation.bytes", Math.max(0, reserved - used));
  share("allocator-rss.ratio", 1);
  tell("allocator-rss.bytes", 0);
  share("rss-overhead.ratio", rss / reserved);
  tell("rss-overhead.bytes", rss - reserved);
  share("fragmentation", rss / used);
  tell("fragmentation.bytes", rss - used);
}

export function memoryDoctor({ reply, server }: Call): void {
  const { used, peak, base, reserved, clients } = memoryOfAll(server);
  const found: string[] = [];
  if (used - base < SMALL) found.push("There is too little in memory to judge it by.");
  else {
    if (peak > used * 1.5)
      found.push("The peak was more than 1.5 times what is in use now: memory of then may still be held.");
    if (reserved > used * 1.4) found.push("Blocks that are free take more than 0.4 of what is in use.");
    if (clients > used / 2) found.push("Clients' buffers take more than half of what the dataset does.");
    if (found.length === 0) found.push("Nothing is wrong with memory.");
  }
  reply.verbatim("txt", found.join("\n"));
}

export function memoryMallocStats({ reply, server }: Call): void {
  const { bytes, used, reserved } = server.keyspace.heap;
  const chunks = bytes.filter((chunk) => chunk !== undefined).length;
  reply.verbatim("txt", `chunks: ${chunks}\nreserved: ${reserved} bytes\nin use: ${used} bytes\n`);
}

export function memoryPurge({ reply }: Call): void {
  // Chunks go back as soon as they are empty.
  reply.ok();
}
