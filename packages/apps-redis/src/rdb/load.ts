/** Reads a value that DUMP, or an RDB file of any version up to 10, has: of whoever sent it, so that every length and every byte is looked at. */
import type { Config } from "../config/config.js";
import type { Keyspace } from "../keyspace/keyspace.js";
import { BadFormat, RdbType } from "./format.js";
import { loadHash, loadHashListpack, loadHashZiplist, loadHashZipmap } from "./load-hash.js";
import { loadList, loadQuicklist, loadZiplistList } from "./load-list.js";
import { loadIntset, loadSet } from "./load-set.js";
import { loadStream } from "./load-stream.js";
import { loadString } from "./load-string.js";
import { loadZset, loadZsetListpack, loadZsetZiplist } from "./load-zset.js";
import type { Loaded } from "./loaded.js";
import type { RdbReader } from "./reader.js";

/** Where values go, and what decides how they are held. */
export interface Target {
  readonly keyspace: Keyspace;
  readonly config: Config;
}

/** Reads the byte that tells the type, if it was not read before, and the value. Throws BadFormat where something is not right; nothing is left of it then. */
export function loadValue(reader: RdbReader, target: Target, type = reader.byte()): Loaded {
  switch (type) {
    case RdbType.STRING:
      return loadString(reader);
    case RdbType.LIST:
      return loadList(reader, target);
    case RdbType.LIST_ZIPLIST:
      return loadZiplistList(reader, target);
    case RdbType.LIST_QUICKLIST:
      return loadQuicklist(reader, target, false);
    case RdbType.LIST_QUICKLIST_2:
      return loadQuicklist(reader, target, true);
    case RdbType.SET:
      return loadSet(reader, target);
    case RdbType.SET_INTSET:
      return loadIntset(reader, target);
    case RdbType.ZSET:
      return loadZset(reader, target, false);
    case RdbType.ZSET_2:
      return loadZset(reader, target, true);
    case RdbType.ZSET_ZIPLIST:
      return loadZsetZiplist(reader, target);
    case RdbType.ZSET_LISTPACK:
      return loadZsetListpack(reader, target);
    case RdbType.HASH:
      return loadHash(reader, target);
    case RdbType.HASH_ZIPMAP:
      return loadHashZipmap(reader, target);
    case RdbType.HASH_ZIPLIST:
      return loadHashZiplist(reader, target);
    case RdbType.HASH_LISTPACK:
      return loadHashListpack(reader, target);
    case RdbType.STREAM_LISTPACKS:
      return loadStream(reader, target, false);
    case RdbType.STREAM_LISTPACKS_2:
      return loadStream(reader, target, true);
    default:
      throw new BadFormat(`type ${type}`);
  }
}
