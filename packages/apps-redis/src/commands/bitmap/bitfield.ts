/** BITFIELD, BITFIELD_RO: operations on integers within a string. */
import { Type } from "../../keyspace/types.js";
import { chunkOf, type Ref } from "../../memory/heap.js";
import { parseInteger, shortened } from "../../numbers/integers.js";
import { type Call, REFUSED } from "../../server/call.js";
import { type Field, type Overflow, overflowed, readField, writeField } from "./field.js";
import { bitOffset, hasGrown, withBit } from "./offset.js";

const NO_TYPE = "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.";
const OVERFLOWS: readonly Overflow[] = ["wrap", "sat", "fail"];

interface Operation extends Field {
  kind: "get" | "set" | "incrby";
  /** What is set or added. */
  operand: bigint;
  overflow: Overflow;
}

export function bitfield(call: Call): void {
  const operations = parse(call);
  if (operations === undefined) return;
  if (operations.every(({ kind }) => kind === "get")) return read(call, operations);
  let lastBit = 0;
  for (const { kind, offset, bits } of operations) {
    if (kind !== "get") lastBit = Math.max(lastBit, offset + bits - 1);
  }
  const ref = withBit(call, lastBit);
  if (ref === REFUSED) return;
  call.reply.array(operations.length);
  let changes = 0;
  for (const operation of operations) if (run(call, ref, operation)) changes++;
  // What may not overflow may have left zeros where there was nothing. Redis does not tell that.
  if (changes === 0 && hasGrown) call.server.propagation.force();
  if (changes === 0) return;
  call.changed(1, "$", "setbit");
  call.db.keyspace.dirty += changes - 1;
}

export function bitfieldRo(call: Call): void {
  const operations = parse(call);
  if (operations === undefined) return;
  if (operations.every(({ kind }) => kind === "get")) read(call, operations);
  else call.reply.error("ERR BITFIELD_RO only supports the GET subcommand");
}

function parse(call: Call): Operation[] | undefined {
  const { args, reply } = call;
  const operations: Operation[] = [];
  let overflow: Overflow = "wrap";
  for (let i = 2; i < args.count; ) {
    const left = args.count - i - 1;
    if (args.is(i, "overflow") && left >= 1) {
      const named = OVERFLOWS.find((name) => args.is(i + 1, name));
      if (named === undefined) {
        reply.error("ERR Invalid OVERFLOW type specified");
        return undefined;
      }
      overflow = named;
      i += 2;
      continue;
    }
    const kind = args.is(i, "get") && left >= 2 ? "get" : left < 3 ? undefined : kindOf(call, i);
    if (kind === undefined) {
      call.syntaxError();
      return undefined;
    }
    const type = typeOf(call, i + 1);
    if (type === undefined) return undefined;
    const offset = bitOffset(call, i + 2, type.bits);
    if (offset < 0) return undefined;
    const operand = kind === "get" ? 0 : call.long(i + 3);
    if (operand === undefined) return undefined;
    operations.push({ kind, ...type, offset, operand: BigInt(operand), overflow });
    i += kind === "get" ? 3 : 4;
  }
  return operations;
}

function kindOf({ args }: Call, i: number): "set" | "incrby" | undefined {
  if (args.is(i, "set")) return "set";
  return args.is(i, "incrby") ? "incrby" : undefined;
}

/** "i8", "u63"; undefined: argument `i` is no type, which was replied. */
function typeOf({ args, reply }: Call, i: number): { isSigned: boolean; bits: number } | undefined {
  const letter = args.length(i) === 0 ? "" : String.fromCharCode(args.bytes[args.at(i)]);
  const isSigned = letter === "i";
  if (isSigned || letter === "u") {
    const bits = parseInteger(args.bytes, args.at(i) + 1, args.length(i) - 1);
    if (typeof bits === "number" && bits >= 1 && bits <= (isSigned ? 64 : 63)) return { isSigned, bits };
  }
  reply.error(NO_TYPE);
  return undefined;
}

function read(call: Call, operations: readonly Operation[]): void {
  const ref = call.read(1, Type.STRING);
  if (ref === REFUSED) return;
  call.reply.array(operations.length);
  for (const operation of operations) {
    if (ref === 0) call.reply.integer(0);
    else run(call, ref, operation);
  }
}

/** Runs an operation and replies to it; whether it has changed the string. */
function run({ db, reply }: Call, ref: Ref, operation: Operation): boolean {
  const { kind, operand, overflow } = operation;
  const bytes = db.heap.bytes[chunkOf(ref)];
  const at = db.stringAt(ref);
  const had = readField(bytes, at, db.stringLength(ref), operation);
  if (kind === "get") {
    reply.integer(shortened(had));
    return false;
  }
  const [value, by] = kind === "set" ? [operand, 0n] : [had, operand];
  const instead = overflowed(operation, value, by, overflow);
  if (instead !== undefined && overflow === "fail") {
    reply.null();
    return false;
  }
  const now = instead ?? value + by;
  writeField(bytes, at, operation, now);
  reply.integer(shortened(kind === "set" ? had : now));
  return hasGrown || had !== now;
}
