/** DEBUG DIGEST: one number of all there is, the same whatever order hash tables have, and the same that redis-server has of the same data. */
import { createHash } from "node:crypto";
import type { Db } from "../../keyspace/db.js";
import { Type } from "../../keyspace/types.js";
import { chunkOf, type Ref } from "../../memory/heap.js";
import { readLatin1 } from "../../memory/latin1.js";
import { formatDouble } from "../../numbers/doubles.js";
import { HashValue } from "../../values/hash.js";
import { SetValue } from "../../values/set.js";
import { eachElement } from "../../values/stored-list.js";
import { LARGEST, type Stream } from "../../values/stream.js";
import { StreamId } from "../../values/stream-id.js";
import { StreamIterator } from "../../values/stream-iterator.js";
import { Zset } from "../../values/zset.js";

const BYTES = 20;
/** Of a key that expires, whenever that is. */
const EXPIRES = "!!expire!!";

/** The number that Redis has for streams; the others are those of Type. */
const STREAM = 6;

class Digest {
  readonly bytes = Buffer.alloc(BYTES);

  /** Whatever comes in whatever order: the same. */
  xor(what: Uint8Array | string): this {
    const hash = createHash("sha1")
      .update(typeof what === "string" ? Buffer.from(what, "latin1") : what)
      .digest();
    for (let i = 0; i < BYTES; i++) this.bytes[i] ^= hash[i];
    return this;
  }

  /** The order matters. */
  mix(what: Uint8Array | string): this {
    this.xor(what);
    createHash("sha1").update(this.bytes).digest().copy(this.bytes);
    return this;
  }

  mixNumber(number: number): this {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(number);
    return this.mix(bytes);
  }

  get hex(): string {
    return this.bytes.toString("hex");
  }
}

const set = new SetValue();
const hash = new HashValue();
const zset = new Zset();
const entries = new StreamIterator();
const SMALLEST = new StreamId();

export function digestOfAll(dbs: readonly Db[]): string {
  const all = new Digest();
  for (const db of dbs) {
    if (db.size === 0) continue;
    all.mixNumber(db.id);
    db.dict.each((ref) => {
      all.xor(addValue(new Digest().mix(Buffer.from(db.key(ref), "latin1")), db, ref).bytes);
    });
  }
  return all.hex;
}

/** 0 for a key that is not there. */
export function digestOfValue(db: Db, ref: Ref): string {
  const digest = new Digest();
  return ref === 0 ? digest.hex : addValue(digest, db, ref).hex;
}

function addValue(digest: Digest, db: Db, ref: Ref): Digest {
  digest.mixNumber(db.typeOf(ref) === Type.STREAM ? STREAM : db.typeOf(ref));
  switch (db.typeOf(ref)) {
    case Type.STRING: {
      const at = db.stringAt(ref);
      digest.mix(readLatin1(db.heap.bytes[chunkOf(ref)], at, at + db.stringLength(ref)));
      break;
    }
    case Type.LIST:
      eachElement(db, ref, (text) => digest.mix(text));
      break;
    case Type.SET:
      set.open(db, ref).each((member) => digest.xor(member.text));
      break;
    case Type.HASH:
      hash.open(db, ref).each((field, value) => digest.xor(new Digest().mix(field.text).mix(value.text).bytes));
      break;
    case Type.ZSET:
      zset.open(db, ref);
      zset.seek(0);
      do {
        const member = readLatin1(zset.text, zset.textAt, zset.textAt + zset.textLength);
        digest.xor(new Digest().mix(member).mix(formatDouble(zset.currentScore())).bytes);
      } while (zset.step(1));
      break;
    case Type.STREAM:
      // Of the entries only: groups are in no digest.
      entries.open(db.object<Stream>(ref), SMALLEST, LARGEST);
      while (entries.next()) {
        digest.mix(entries.id.text.replace("-", "."));
        entries.eachText((text) => digest.mix(text));
      }
  }
  if (db.expiryOf(ref) !== -1) digest.xor(EXPIRES);
  return digest;
}
