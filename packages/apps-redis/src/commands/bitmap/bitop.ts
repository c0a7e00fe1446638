import { Encoding, Type } from "../../keyspace/types.js";
import { chunkOf, type Ref } from "../../memory/heap.js";
import { type Call, REFUSED } from "../../server/call.js";
import { setLength } from "../string/set.js";

const OPERATIONS = ["and", "or", "xor", "not"];

export function bitop(call: Call): void {
  const { args, db, reply } = call;
  const operation = OPERATIONS.find((name) => args.is(1, name));
  if (operation === undefined) return call.syntaxError();
  if (operation === "not" && args.count !== 4) {
    return reply.error("ERR BITOP NOT must be called with a single source key.");
  }
  const sources: Ref[] = [];
  let longest = 0;
  for (let i = 3; i < args.count; i++) {
    const ref = call.read(i, Type.STRING);
    if (ref === REFUSED) return;
    sources.push(ref);
    if (ref !== 0) longest = Math.max(longest, db.stringLength(ref));
  }
  if (longest !== 0) {
    // Put together elsewhere: the target may be one of the sources.
    const result = combined(call, operation, sources, longest);
    const target = setLength(db, args, 2, longest, Encoding.RAW);
    db.heap.bytes[chunkOf(target)].set(result, db.stringAt(target));
    call.changed(2, "$", "set");
  } else {
    const target = db.lookupWrite(args.bytes, args.at(2), args.length(2));
    if (target !== 0) {
      db.delete(target);
      call.changed(2, "g", "del");
    }
  }
  reply.integer(longest);
}

function combined(call: Call, operation: string, sources: readonly Ref[], length: number): Uint8Array {
  const words = new Int32Array(Math.ceil(length / 4));
  const bytes = new Uint8Array(words.buffer, 0, length);
  sources.forEach((ref, i) => {
    if (i === 0) take(call, ref, bytes);
    else if (operation === "and") and(call, ref, words, bytes);
    else if (operation === "or") or(call, ref, words, bytes);
    else xor(call, ref, words, bytes);
  });
  if (operation === "not") for (let n = 0; n < words.length; n++) words[n] = ~words[n];
  return bytes;
}

function take({ db }: Call, ref: Ref, bytes: Uint8Array): void {
  if (ref === 0) return;
  const at = db.stringAt(ref);
  bytes.set(db.heap.bytes[chunkOf(ref)].subarray(at, at + db.stringLength(ref)));
}

function and({ db }: Call, ref: Ref, words: Int32Array, bytes: Uint8Array): void {
  const length = ref === 0 ? 0 : db.stringLength(ref);
  if (ref !== 0) {
    const from = db.heap.words[chunkOf(ref)];
    const own = db.heap.bytes[chunkOf(ref)];
    const at = db.stringAt(ref);
    const whole = length >>> 2;
    for (let n = 0, word = at >>> 2; n < whole; n++, word++) words[n] &= from[word];
    for (let n = whole * 4; n < length; n++) bytes[n] &= own[at + n];
  }
  bytes.fill(0, length);
}

function or({ db }: Call, ref: Ref, words: Int32Array, bytes: Uint8Array): void {
  if (ref === 0) return;
  const from = db.heap.words[chunkOf(ref)];
  const own = db.heap.bytes[chunkOf(ref)];
  const at = db.stringAt(ref);
  const length = db.stringLength(ref);
  const whole = length >>> 2;
  for (let n = 0, word = at >>> 2; n < whole; n++, word++) words[n] |= from[word];
  for (let n = whole * 4; n < length; n++) bytes[n] |= own[at + n];
}

function xor({ db }: Call, ref: Ref, words: Int32Array, bytes: Uint8Array): void {
  if (ref === 0) return;
  const from = db.heap.words[chunkOf(ref)];
  const own = db.heap.bytes[chunkOf(ref)];
  const at = db.stringAt(ref);
  const length = db.stringLength(ref);
  const whole = length >>> 2;
  for (let n = 0, word = at >>> 2; n < whole; n++, word++) words[n] ^= from[word];
  for (let n = whole * 4; n < length; n++) bytes[n] ^= own[at + n];
}
