/** Hashes: each is first both, a listpack as long as it may be one, and a table, which finds fields that are there twice. */
import { Listpack } from "../encodings/listpack.js";
import { Encoding, Type } from "../keyspace/types.js";
import { copyBytes } from "../memory/bytes.js";
import { HashTable } from "../values/hash-table.js";
import { BadFormat, EmptyValue } from "./format.js";
import type { Target } from "./load.js";
import { type Loaded, reading } from "./loaded.js";
import { readListpack } from "./packed.js";
import type { RdbReader } from "./reader.js";
import { readZiplist } from "./ziplist.js";
import { readZipmap } from "./zipmap.js";

/** Takes texts that are fields and values in turn. */
class HashBuilder {
  private readonly list: Listpack;
  private readonly table: HashTable;
  private isShort = true;
  /** The field whose value is still to come: copied, its bytes are good only until the next text is read. */
  private field: Uint8Array | undefined;

  /** `longest`: of a text in a listpack. */
  constructor(
    private readonly target: Target,
    private readonly longest: number,
  ) {
    this.list = new Listpack().create(target.keyspace.heap);
    this.table = new HashTable(target.keyspace.heap);
  }

  readonly add = (bytes: Uint8Array, at: number, length: number): void => {
    const { field, list, table } = this;
    this.isShort &&=
      length <= this.longest && list.safeToAdd(length) && table.size < this.target.config.hashMaxListpackEntries;
    this.target.keyspace.heap.demand(2 * length);
    if (this.isShort) list.append(bytes, at, length);
    if (field === undefined) {
      this.field = new Uint8Array(length);
      copyBytes(bytes, at, length, this.field, 0);
      return;
    }
    this.field = undefined;
    if (table.dict.find(field, 0, field.length) !== 0) throw new BadFormat("a field twice");
    table.addBytes(field, 0, field.length, bytes, at, length);
  };

  /** Keeps the one that it is. */
  end(): Loaded {
    const { list, table } = this;
    const { heap } = this.target.keyspace;
    if (this.field !== undefined) throw new BadFormat("a field without a value");
    if (table.size === 0) throw new EmptyValue("a hash without fields");
    if (this.isShort) {
      table.release(Number.POSITIVE_INFINITY);
      return {
        add: (db, key, at, length) => db.addBlob(key, at, length, Type.HASH, Encoding.LISTPACK, list.ref),
        discard: () => heap.free(list.ref),
      };
    }
    heap.free(list.ref);
    return {
      add: (db, key, at, length) => db.addObject(key, at, length, Type.HASH, Encoding.HASHTABLE, table),
      discard: () => {
        table.release(Number.POSITIVE_INFINITY);
      },
    };
  }

  discard(): void {
    this.target.keyspace.heap.free(this.list.ref);
    this.table.release(Number.POSITIVE_INFINITY);
  }
}

function build(target: Target, longest: number, read: (builder: HashBuilder) => void): Loaded {
  const builder = new HashBuilder(target, longest);
  return reading(
    () => builder.discard(),
    () => {
      read(builder);
      return builder.end();
    },
  );
}

export function loadHash(reader: RdbReader, target: Target): Loaded {
  const count = reader.count();
  return build(target, target.config.hashMaxListpackValue, (builder) => {
    for (let i = 0; i < count * 2; i++) {
      reader.string();
      builder.add(reader.bytes, reader.at, reader.length);
    }
  });
}

export function loadHashZipmap(reader: RdbReader, target: Target): Loaded {
  reader.string();
  const { bytes, at, length } = reader;
  return build(target, target.config.hashMaxListpackValue, (builder) => readZipmap(bytes, at, length, builder.add));
}

/** How long fields and values are does not matter where they were packed before. */
export function loadHashZiplist(reader: RdbReader, target: Target): Loaded {
  reader.string();
  const { bytes, at, length } = reader;
  return build(target, Number.POSITIVE_INFINITY, (builder) => readZiplist(bytes, at, length, builder.add));
}

export function loadHashListpack(reader: RdbReader, target: Target): Loaded {
  reader.string();
  const { bytes, at, length } = reader;
  const { heap } = target.keyspace;
  return build(target, Number.POSITIVE_INFINITY, (builder) => readListpack(heap, bytes, at, length, builder.add));
}
