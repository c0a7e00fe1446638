/** What commands there are: of each family, how often a command is made and what makes it. Replies that are in no order: UNORDERED. */
import { bits } from "./bits.mjs";
import { geo } from "./geo.mjs";
import { hash } from "./hash.mjs";
import { hll } from "./hll.mjs";
import { keyspace } from "./keyspace.mjs";
import { list } from "./list.mjs";
import { set } from "./set.mjs";
import { stream } from "./stream.mjs";
import { string } from "./string.mjs";
import { transaction } from "./transaction.mjs";
import { zset } from "./zset.mjs";

export const FAMILIES = { string, bits, hll, hash, list, set, zset, geo, stream, keyspace, transaction };

/** Commands whose reply is a set, or pairs: it is compared in order of its elements. */
export const UNORDERED = new Set([
  "SMEMBERS",
  "SINTER",
  "SUNION",
  "SDIFF",
  "HKEYS",
  "HVALS",
  "KEYS",
  "SPOP",
  "SRANDMEMBER",
  "HRANDFIELD",
]);
export const UNORDERED_PAIRS = new Set(["HGETALL"]);
