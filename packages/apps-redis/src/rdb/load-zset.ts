/** Sorted sets: all are made large, whatever order they come in, and packed if they are small. */
import { parseDouble } from "../numbers/doubles.js";
import { addZset } from "../values/zset-add.js";
import { ZsetObject } from "../values/zset-object.js";
import { BadFormat, EmptyValue } from "./format.js";
import type { Target } from "./load.js";
import { type Loaded, reading } from "./loaded.js";
import { type FoundText, readListpack } from "./packed.js";
import type { RdbReader } from "./reader.js";
import { readZiplist } from "./ziplist.js";

/** In the place of a score's length, before RDB 8. */
const MINUS_INFINITY = 255;
const INFINITY = 254;
const NOT_A_NUMBER = 253;

/** `longest`: of a member of a small one. */
function build(target: Target, longest: number, read: (zset: ZsetObject) => void): Loaded {
  const zset = new ZsetObject(target.keyspace.heap);
  const limits = { zsetMaxListpackEntries: target.config.zsetMaxListpackEntries, zsetMaxListpackValue: longest };
  const discard = (): void => {
    zset.release(Number.POSITIVE_INFINITY);
  };
  return reading(discard, () => {
    read(zset);
    if (zset.size === 0) throw new EmptyValue("a sorted set without members");
    zset.order();
    return { add: (db, key, at, length) => addZset(db, limits, key, at, length, zset), discard };
  });
}

function hold(zset: ZsetObject, score: number, bytes: Uint8Array, at: number, length: number): void {
  if (Number.isNaN(score)) throw new BadFormat("a score that is no number");
  if (zset.find(bytes, at, length) !== 0) throw new BadFormat("a member twice");
  zset.hold(score, bytes, at, length);
}

/** `isBinary`: scores are doubles, as from RDB 8 on; before that texts. */
export function loadZset(reader: RdbReader, target: Target, isBinary: boolean): Loaded {
  const count = reader.count();
  return build(target, target.config.zsetMaxListpackValue, (zset) => {
    for (let i = 0; i < count; i++) {
      reader.string();
      const { bytes, at, length } = reader;
      hold(zset, isBinary ? reader.double() : scoreText(reader), bytes, at, length);
    }
  });
}

function scoreText(reader: RdbReader): number {
  const length = reader.byte();
  if (length === MINUS_INFINITY) return Number.NEGATIVE_INFINITY;
  if (length === INFINITY) return Number.POSITIVE_INFINITY;
  if (length === NOT_A_NUMBER) return Number.NaN;
  reader.raw(length);
  return parseDouble(reader.bytes, reader.at, length) ?? Number.NaN;
}

/** Takes texts that are members and scores in turn. */
function pairs(zset: ZsetObject): { add: FoundText; end(): void } {
  let member: Uint8Array | undefined;
  return {
    add(bytes, at, length) {
      if (member === undefined) {
        member = Uint8Array.prototype.slice.call(bytes, at, at + length);
        return;
      }
      hold(zset, parseDouble(bytes, at, length) ?? Number.NaN, member, 0, member.length);
      member = undefined;
    },
    end() {
      if (member !== undefined) throw new BadFormat("a member without a score");
    },
  };
}

/** How long members are does not matter where they were packed before. */
export function loadZsetZiplist(reader: RdbReader, target: Target): Loaded {
  reader.string();
  const { bytes, at, length } = reader;
  return build(target, Number.POSITIVE_INFINITY, (zset) => {
    const { add, end } = pairs(zset);
    readZiplist(bytes, at, length, add);
    end();
  });
}

export function loadZsetListpack(reader: RdbReader, target: Target): Loaded {
  reader.string();
  const { bytes, at, length } = reader;
  return build(target, Number.POSITIVE_INFINITY, (zset) => {
    const { add, end } = pairs(zset);
    readListpack(target.keyspace.heap, bytes, at, length, add);
    end();
  });
}
