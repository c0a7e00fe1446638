/** The bytes of a whole RDB file, version 10, of the keys that a snapshot tells: to a file, to an append-only file's base, or to a replica. */

import type { Config } from "../config/config.js";
import { Crc64 } from "../encodings/crc64.js";
import type { Db } from "../keyspace/db.js";
import type { Evictor } from "../keyspace/eviction.js";
import { chunkOf, type Ref } from "../memory/heap.js";
import type { SnapshotTarget } from "../snapshot/snapshot.js";
import { MAGIC, RDB_VERSION, RdbOpcode } from "./format.js";
import { saveValue } from "./save.js";
import { RdbWriter } from "./writer.js";

/** Where the bytes go. */
export interface ByteSink {
  /** The memory is another's after the call. */
  write(bytes: Uint8Array, at: number, length: number): void;
  /** It has more than it should keep. */
  readonly isFull: boolean;
}

const CHECKSUM_BYTES = 8;

export class RdbFileWriter implements SnapshotTarget {
  /** Bytes of the file so far. */
  written = 0;
  private readonly writer = new RdbWriter();
  private readonly checksum = new Crc64();
  private db = -1;

  constructor(
    private readonly config: Config,
    private readonly evictor: Evictor,
    private readonly sink: ByteSink,
  ) {
    this.writer.onMuch = () => this.flush();
  }

  /** What a file begins with. `facts`: names and values that a loader may look at ("redis-ver"). */
  begin(facts: readonly (readonly [string, string])[]): void {
    this.writer.begin(this.config.rdbcompression);
    const magic = Buffer.from(MAGIC + String(RDB_VERSION).padStart(4, "0"));
    this.writer.raw(magic, 0, magic.length);
    for (const [name, value] of facts) {
      this.writer.byte(RdbOpcode.AUX);
      this.writer.text(name);
      this.writer.text(value);
    }
  }

  /** The source of a library of functions. */
  library(source: string): void {
    this.writer.byte(RdbOpcode.FUNCTION_2);
    this.writer.text(source);
  }

  key(id: number, db: Db, ref: Ref): void {
    const { writer } = this;
    if (id !== this.db) {
      this.db = id;
      writer.byte(RdbOpcode.SELECT_DB);
      writer.size(id);
    }
    const expiry = db.exactExpiryOf(ref);
    if (expiry !== -1) {
      writer.byte(RdbOpcode.EXPIRY_MILLISECONDS);
      writer.int64(expiry);
    }
    if (this.config.maxmemoryPolicy !== "noeviction") this.use(db, ref);
    writer.setKey(db.heap.bytes[chunkOf(ref)], db.keyAt(ref), db.keyLength(ref));
    saveValue(writer, db, ref);
  }

  /** What the maxmemory-policy knows of the key's use. */
  private use(db: Db, ref: Ref): void {
    const { evictor, writer } = this;
    const { maxmemoryPolicy } = this.config;
    if (maxmemoryPolicy.endsWith("-lfu")) {
      writer.byte(RdbOpcode.FREQUENCY);
      writer.byte(evictor.frequency(db.clockOf(ref)));
    } else if (maxmemoryPolicy.endsWith("-lru")) {
      writer.byte(RdbOpcode.IDLE);
      writer.size(evictor.idleSeconds(db.clockOf(ref)));
    }
  }

  get isFull(): boolean {
    return this.sink.isFull;
  }

  /** After the last key. */
  end(): void {
    this.writer.byte(RdbOpcode.END);
    this.flush();
    // Zeros where there is none.
    const checksum = new Uint8Array(CHECKSUM_BYTES);
    if (this.config.rdbchecksum) this.checksum.write(checksum, 0);
    this.sink.write(checksum, 0, CHECKSUM_BYTES);
    this.written += CHECKSUM_BYTES;
  }

  private flush(): void {
    const { writer } = this;
    if (this.config.rdbchecksum) this.checksum.update(writer.bytes, 0, writer.length);
    this.sink.write(writer.bytes, 0, writer.length);
    this.written += writer.length;
    writer.begin(this.config.rdbcompression);
  }
}
