/** Reads an RDB file, of any version up to 10, into the keyspace. What is not right is refused, with the offset at which it lies. */
import { Crc64 } from "../encodings/crc64.js";
import type { Evictor } from "../keyspace/eviction.js";
import { BadFormat, MAGIC, RDB_VERSION, RdbOpcode } from "./format.js";
import { loadValue, type Target } from "./load.js";
import { RdbReader } from "./reader.js";

export interface RdbTarget extends Target {
  readonly evictor: Evictor;
}

/** What a file has beside its keys. */
export interface RdbContents {
  /** Bytes of the file. An append-only file may go on with commands behind them. */
  length: number;
  keys: number;
  /** Keys whose time was over: they are not loaded. */
  expired: number;
  facts: Map<string, string>;
  /** Sources of libraries of functions, latin1. */
  libraries: string[];
}

const HEAD = MAGIC.length + 4;
const CHECKSUM_FROM = 5;
const CHECKSUM_BYTES = 8;

/** Loads the file that `bytes` begin with; throws BadFormat. `keepsExpired`: a replica has what its master has. */
export function readRdb(bytes: Uint8Array, target: RdbTarget, keepsExpired = false): RdbContents {
  const version = versionOf(bytes);
  const reader = new RdbReader(bytes, HEAD, bytes.length);
  const contents: RdbContents = { length: 0, keys: 0, expired: 0, facts: new Map(), libraries: [] };
  try {
    readKeys(reader, target, contents, keepsExpired);
    const end = bytes.length - reader.left;
    contents.length = version >= CHECKSUM_FROM ? end + CHECKSUM_BYTES : end;
    if (version >= CHECKSUM_FROM) {
      reader.raw(CHECKSUM_BYTES);
      const isNone = bytes.subarray(end, end + CHECKSUM_BYTES).every((byte) => byte === 0);
      if (!isNone && target.config.rdbchecksum && !new Crc64().update(bytes, 0, end).isAt(bytes, end))
        throw new BadFormat("the checksum is wrong");
    }
  } catch (error) {
    if (error instanceof BadFormat) throw new BadFormat(`at offset ${bytes.length - reader.left}: ${error.message}`);
    throw error;
  }
  return contents;
}

function versionOf(bytes: Uint8Array): number {
  const head = Buffer.from(bytes.subarray(0, HEAD)).toString("latin1");
  const version = Number(head.slice(MAGIC.length));
  if (!head.startsWith(MAGIC)) throw new BadFormat("at offset 0: not an RDB file");
  if (!(version >= 1 && version <= RDB_VERSION)) throw new BadFormat(`at offset 5: version ${head.slice(5)}`);
  return version;
}

function readKeys(reader: RdbReader, target: RdbTarget, contents: RdbContents, keepsExpired: boolean): void {
  const { evictor, keyspace } = target;
  let db = keyspace.dbs[0];
  let expiry = -1n;
  let idle = -1;
  let frequency = -1;
  for (;;) {
    const opcode = reader.byte();
    switch (opcode) {
      case RdbOpcode.END:
        return;
      case RdbOpcode.SELECT_DB: {
        const id = reader.size();
        if (id >= keyspace.dbs.length) throw new BadFormat(`database ${id}, where there are ${keyspace.dbs.length}`);
        db = keyspace.dbs[id];
        continue;
      }
      case RdbOpcode.RESIZE_DB:
        reader.size();
        reader.size();
        continue;
      case RdbOpcode.AUX: {
        const name = reader.text();
        contents.facts.set(name, reader.text());
        continue;
      }
      case RdbOpcode.FUNCTION_2:
        contents.libraries.push(reader.text());
        continue;
      case RdbOpcode.FUNCTION_OLD:
        throw new BadFormat("functions as a release candidate had them");
      case RdbOpcode.MODULE_AUX:
        throw new BadFormat("data of a module");
      case RdbOpcode.EXPIRY_MILLISECONDS:
        expiry = reader.int64();
        continue;
      case RdbOpcode.EXPIRY_SECONDS:
        expiry = BigInt(reader.int32()) * 1000n;
        continue;
      case RdbOpcode.IDLE:
        idle = reader.size();
        continue;
      case RdbOpcode.FREQUENCY:
        frequency = reader.byte();
        continue;
      default:
    }
    reader.string();
    // The value is read before it is known whether the key is wanted, and may not be where the key was read from.
    const key = Buffer.from(reader.bytes.subarray(reader.at, reader.at + reader.length));
    const loaded = loadValue(reader, target, opcode);
    if (expiry !== -1n && !keepsExpired && expiry < BigInt(keyspace.now())) {
      loaded.discard();
      contents.expired++;
    } else {
      if (db.dict.find(key, 0, key.length) !== 0) {
        loaded.discard();
        throw new BadFormat("a key that is there already");
      }
      let ref = loaded.add(db, key, 0, key.length);
      if (expiry !== -1n) ref = db.setExpiry(ref, expiry);
      const clock = evictor.clockFor(idle, frequency);
      if (clock !== undefined) db.setClock(ref, clock);
      contents.keys++;
    }
    expiry = -1n;
    idle = frequency = -1;
  }
}
