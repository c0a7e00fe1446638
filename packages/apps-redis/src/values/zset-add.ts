/** Sorted sets that are made as a whole: by ZUNIONSTORE and the like, and by RESTORE. */
import type { Config } from "../config/config.js";
import type { Db } from "../keyspace/db.js";
import { Encoding, Type } from "../keyspace/types.js";
import { chunkOf, offsetOf, type Ref } from "../memory/heap.js";
import { HEADER, keyLengthOf } from "../memory/record.js";
import { formatScore, integerOfScore } from "../numbers/doubles.js";
import { ZsetListpack } from "./zset-listpack.js";
import type { ZsetObject } from "./zset-object.js";

/** Of the configuration: what a listpack may hold. */
export type ZsetLimits = Pick<Config, "zsetMaxListpackEntries" | "zsetMaxListpackValue">;

const pack = new ZsetListpack();

/** A new key with the elements of `object`, which has some, as a listpack if they are few and small. The object is the key's then, or gone. */
export function addZset(
  db: Db,
  limits: ZsetLimits,
  key: Uint8Array,
  at: number,
  length: number,
  object: ZsetObject,
): Ref {
  if (!isSmall(object, limits)) return db.addObject(key, at, length, Type.ZSET, Encoding.SKIPLIST, object);
  const { heap, tree } = object;
  pack.create(heap);
  tree.seek(0);
  do {
    const { member, score } = tree;
    pack.append(heap.bytes[chunkOf(member)], offsetOf(member) + HEADER, keyLengthOf(heap, member));
    const integer = integerOfScore(score);
    if (integer !== undefined) pack.appendInteger(integer);
    else pack.appendText(formatScore(score));
  } while (tree.step(1));
  object.release(Number.POSITIVE_INFINITY);
  return db.addBlob(key, at, length, Type.ZSET, Encoding.LISTPACK, pack.ref);
}

/** No more elements than a listpack may have, and none of them too long. */
function isSmall({ heap, size, tree }: ZsetObject, limits: ZsetLimits): boolean {
  if (size > limits.zsetMaxListpackEntries) return false;
  let bytes = 0;
  tree.seek(0);
  do {
    const length = keyLengthOf(heap, tree.member);
    if (length > limits.zsetMaxListpackValue) return false;
    bytes += length;
  } while (tree.step(1));
  return bytes < 2 ** 30;
}
