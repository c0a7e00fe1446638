import { type Call, NOT_INTEGER } from "../../server/call.js";
import { type CommandSpec, keys } from "../command.js";

const MOST = 2n ** 63n - 1n;
const LEAST = -(2n ** 63n);

/** EXPIRE and its like: `unit` is milliseconds of one of the argument, which counts from `base`. */
function expireKey(call: Call, unit: bigint, isAbsolute: boolean): void {
  const { args, db, reply } = call;
  let [nx, xx, gt, lt] = [false, false, false, false];
  for (let i = 3; i < args.count; i++) {
    if (args.is(i, "nx")) nx = true;
    else if (args.is(i, "xx")) xx = true;
    else if (args.is(i, "gt")) gt = true;
    else if (args.is(i, "lt")) lt = true;
    else return reply.error(`ERR Unsupported option ${untilNul(args.text(i))}`);
  }
  if (nx && (xx || gt || lt)) return reply.error("ERR NX and XX, GT or LT options at the same time are not compatible");
  if (gt && lt) return reply.error("ERR GT and LT options at the same time are not compatible");
  const given = args.integer(2);
  if (given === undefined) return reply.error(NOT_INTEGER);
  const base = isAbsolute ? 0n : BigInt(db.keyspace.now());
  const when = given * unit + base;
  if (given * unit < LEAST || when > MOST)
    return reply.error(`ERR invalid expire time in '${call.command.fullName}' command`);
  const ref = db.lookupWrite(args.bytes, args.at(1), args.length(1));
  if (ref === 0) return reply.integer(0);
  if (nx || xx || gt || lt) {
    const had = db.exactExpiryOf(ref);
    // Who does not expire lives longest.
    const refused = had === -1 ? xx || gt : nx || (gt && when <= had) || (lt && when >= had);
    if (refused) return reply.integer(0);
  }
  if (call.isOver(when)) {
    db.delete(ref);
    call.changed(1, "g", "del");
    call.toldAsDeleted(1, call.server.config.lazyfreeLazyExpire);
  } else {
    db.setExpiry(ref, when);
    call.changed(1, "g", "expire");
    const { propagation } = call.server;
    if (propagation.isOn && !(isAbsolute && unit === 1n)) {
      const told = propagation.insteadOf(db.id, args.count).text("PEXPIREAT").argument(args, 1).integer(when);
      told.argument(args, 3, args.count);
    }
  }
  reply.integer(1);
}

/** TTL and its like. */
function tell(call: Call, inSeconds: boolean, isAbsolute: boolean): void {
  const { args, db, reply } = call;
  const ref = db.peek(args.bytes, args.at(1), args.length(1));
  if (ref === 0) return reply.integer(-2);
  const expiry = db.exactExpiryOf(ref);
  if (expiry === -1) return reply.integer(-1);
  if (typeof expiry === "number") {
    const left = Math.max(isAbsolute ? expiry : expiry - db.keyspace.now(), 0);
    return reply.integer(inSeconds ? Math.floor((left + 500) / 1000) : left);
  }
  const left = isAbsolute ? expiry : expiry - BigInt(db.keyspace.now());
  reply.integer(inSeconds ? (left + 500n) / 1000n : left);
}

function persist(call: Call): void {
  const { args, db, reply } = call;
  const ref = db.lookupWrite(args.bytes, args.at(1), args.length(1));
  if (ref === 0 || db.expiryOf(ref) === -1) return reply.integer(0);
  db.setExpiry(ref, -1);
  call.changed(1, "g", "persist");
  reply.integer(1);
}

/** Redis's message ends where a C string does. */
function untilNul(text: string): string {
  const end = text.indexOf("\0");
  return end < 0 ? text : text.slice(0, end);
}

const setsExpiry = (name: string, since: string, unit: bigint, isAbsolute: boolean, summary: string): CommandSpec => ({
  name,
  arity: -3,
  flags: "write fast",
  categories: "keyspace",
  group: "generic",
  since,
  complexity: "O(1)",
  summary,
  keys: keys("RW update"),
  handler: (call) => expireKey(call, unit, isAbsolute),
});

const tellsExpiry = (
  name: string,
  since: string,
  inSeconds: boolean,
  isAbsolute: boolean,
  summary: string,
): CommandSpec => ({
  name,
  arity: 2,
  flags: "readonly fast",
  categories: "keyspace",
  group: "generic",
  since,
  complexity: "O(1)",
  summary,
  keys: keys("RO access"),
  hints: isAbsolute ? undefined : "nondeterministic_output",
  handler: (call) => tell(call, inSeconds, isAbsolute),
});

export const expireCommands: readonly CommandSpec[] = [
  setsExpiry("expire", "1.0.0", 1000n, false, "A key expires in so many seconds."),
  setsExpiry("pexpire", "2.6.0", 1n, false, "A key expires in so many milliseconds."),
  setsExpiry("expireat", "1.2.0", 1000n, true, "A key expires at a time, in seconds since 1970."),
  setsExpiry("pexpireat", "2.6.0", 1n, true, "A key expires at a time, in milliseconds since 1970."),
  tellsExpiry("ttl", "1.0.0", true, false, "In how many seconds a key expires."),
  tellsExpiry("pttl", "2.6.0", false, false, "In how many milliseconds a key expires."),
  tellsExpiry("expiretime", "7.0.0", true, true, "When a key expires, in seconds since 1970."),
  tellsExpiry("pexpiretime", "7.0.0", false, true, "When a key expires, in milliseconds since 1970."),
  {
    name: "persist",
    arity: 2,
    flags: "write fast",
    categories: "keyspace",
    group: "generic",
    since: "2.2.0",
    complexity: "O(1)",
    summary: "A key does not expire any more.",
    keys: keys("RW update"),
    handler: persist,
  },
];
