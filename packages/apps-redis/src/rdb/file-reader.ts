/** Reads an RDB file, of any version up to 10, into the keyspace, key by key. What is not right is refused, with the offset at which it lies. */
import type { Db } from "../keyspace/db.js";
import type { Evictor } from "../keyspace/eviction.js";
import { copyBytes, withWords } from "../memory/bytes.js";
import { BadFormat, EmptyValue, MAGIC, RDB_VERSION, RdbOpcode } from "./format.js";
import { loadValue, type Target } from "./load.js";
import type { Loaded } from "./loaded.js";
import { RdbReader } from "./reader.js";

export interface RdbTarget extends Target {
  readonly evictor: Evictor;
}

export interface RdbOptions {
  /** Keys whose time is over are loaded, too: a replica has what its master has. */
  keepsExpired?: boolean;
  /** A key that is there already is replaced, and no mistake. */
  merges?: boolean;
}

/** What a file has beside its keys. */
export interface RdbContents {
  /** Bytes of the file. An append-only file may go on with commands behind them. */
  length: number;
  keys: number;
  /** Keys whose time was over, and values without elements: they are not loaded. */
  expired: number;
  empty: number;
  facts: Map<string, string>;
  /** Sources of libraries of functions, latin1. */
  libraries: string[];
}

const LEAST_KEY = 256;
const HEAD = MAGIC.length + 4;
const CHECKSUM_FROM = 5;
const CHECKSUM_BYTES = 8;

export class RdbFileReader {
  readonly contents: RdbContents = { length: 0, keys: 0, expired: 0, empty: 0, facts: new Map(), libraries: [] };
  private version = 0;
  private db: Db;
  private expiry = -1n;
  private idle = -1;
  private frequency = -1;
  /** What had no time left then is expired. */
  private readonly began = BigInt(Date.now());
  private key = withWords(Buffer.allocUnsafeSlow(LEAST_KEY));

  constructor(
    private readonly reader: RdbReader,
    private readonly target: RdbTarget,
    private readonly options: RdbOptions = {},
  ) {
    this.db = target.keyspace.dbs[0];
  }

  /** Goes on by a few bytes, or a key; true at the end of the file. Throws BadFormat. */
  step(): boolean {
    try {
      if (this.version === 0) this.version = this.readHead();
      else if (this.readPart()) {
        this.readChecksum();
        this.contents.length = this.reader.offset;
        return true;
      }
      return false;
    } catch (error) {
      if (error instanceof BadFormat) throw new BadFormat(`at offset ${this.reader.offset}: ${error.message}`);
      throw error;
    }
  }

  private readHead(): number {
    this.reader.raw(HEAD);
    const { bytes, at } = this.reader;
    const head = Buffer.from(bytes.subarray(at, at + HEAD)).toString("latin1");
    const version = Number(head.slice(MAGIC.length));
    if (!head.startsWith(MAGIC)) throw new BadFormat("not an RDB file");
    if (!(version >= 1 && version <= RDB_VERSION)) throw new BadFormat(`version ${head.slice(MAGIC.length)}`);
    return version;
  }

  /** True: it was the end. */
  private readPart(): boolean {
    const { contents, reader, target } = this;
    const opcode = reader.byte();
    switch (opcode) {
      case RdbOpcode.END:
        return true;
      case RdbOpcode.SELECT_DB: {
        const { dbs } = target.keyspace;
        const id = reader.size();
        if (id >= dbs.length) throw new BadFormat(`database ${id}, where there are ${dbs.length}`);
        this.db = dbs[id];
        return false;
      }
      case RdbOpcode.RESIZE_DB:
        reader.size();
        reader.size();
        return false;
      case RdbOpcode.AUX: {
        const name = reader.text();
        contents.facts.set(name, reader.text());
        return false;
      }
      case RdbOpcode.FUNCTION_2:
        contents.libraries.push(reader.text());
        return false;
      case RdbOpcode.FUNCTION_OLD:
        throw new BadFormat("functions as a release candidate had them");
      case RdbOpcode.MODULE_AUX:
        throw new BadFormat("data of a module");
      case RdbOpcode.EXPIRY_MILLISECONDS:
        this.expiry = reader.int64();
        return false;
      case RdbOpcode.EXPIRY_SECONDS:
        this.expiry = BigInt(reader.int32()) * 1000n;
        return false;
      case RdbOpcode.IDLE:
        this.idle = reader.size();
        return false;
      case RdbOpcode.FREQUENCY:
        this.frequency = reader.byte();
        return false;
      default:
        this.readKey(opcode);
        return false;
    }
  }

  private readKey(type: number): void {
    const { contents, expiry, reader, target } = this;
    reader.string();
    // The value is read before it is known whether the key is wanted, and the key may not be where it was by then.
    const { length } = reader;
    if (length > this.key.length) this.key = withWords(Buffer.allocUnsafeSlow(length * 2));
    copyBytes(reader.bytes, reader.at, length, this.key, 0);
    const loaded = loadedUnlessEmpty(reader, target, type);
    if (loaded === undefined) contents.empty++;
    else if (expiry !== -1n && this.options.keepsExpired !== true && expiry < this.began) {
      loaded.discard();
      contents.expired++;
    } else this.add(length, loaded);
    this.expiry = -1n;
    this.idle = this.frequency = -1;
  }

  /** `length`: of the key. */
  private add(length: number, loaded: Loaded): void {
    const { db, expiry, key, options } = this;
    const there = db.dict.find(key, 0, length);
    if (there !== 0 && options.merges !== true) {
      loaded.discard();
      throw new BadFormat("a key that is there already");
    }
    if (there !== 0) db.delete(there);
    let ref = loaded.add(db, key, 0, length);
    if (expiry !== -1n) ref = db.setExpiry(ref, expiry);
    const clock = this.target.evictor.clockFor(this.idle, this.frequency);
    if (clock !== undefined) db.setClock(ref, clock);
    this.contents.keys++;
  }

  private readChecksum(): void {
    const { reader } = this;
    if (this.version < CHECKSUM_FROM) return;
    const isChecked = this.target.config.rdbchecksum;
    const sum = isChecked ? reader.checksum() : undefined;
    reader.raw(CHECKSUM_BYTES);
    const { at, bytes } = reader;
    const isNone = bytes.subarray(at, at + CHECKSUM_BYTES).every((byte) => byte === 0);
    if (!isNone && sum !== undefined && !sum.isAt(bytes, at)) throw new BadFormat("the checksum is wrong");
  }
}

function loadedUnlessEmpty(reader: RdbReader, target: Target, type: number): Loaded | undefined {
  try {
    return loadValue(reader, target, type);
  } catch (error) {
    if (error instanceof EmptyValue) return undefined;
    throw error;
  }
}

/** Loads the file that `bytes` begin with, at once; throws BadFormat. */
export function readRdb(bytes: Uint8Array, target: RdbTarget, options?: RdbOptions): RdbContents {
  const reader = new RdbFileReader(new RdbReader(bytes, 0, bytes.length), target, options);
  while (!reader.step());
  return reader.contents;
}
