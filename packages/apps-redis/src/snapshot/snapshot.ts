/**
 * The dataset as it was at one moment, told key by key while commands go on changing it: what fork() and copy on write do for redis-server, by
 * keys instead of pages. A walk goes through the tables; whatever is about to change a key that the walk has not come to has it told before
 * ({@link Snapshot.before}). One bit of each record says whether it was told, so no memory is needed beside.
 */
import type { Command } from "../commands/command.js";
import { keysOf } from "../commands/keys-of.js";
import type { Db } from "../keyspace/db.js";
import type { Keyspace } from "../keyspace/keyspace.js";
import type { Dict } from "../memory/dict.js";
import type { Ref } from "../memory/heap.js";
import { isSaved, MARK, setSaved } from "../memory/record.js";
import type { Args } from "../protocol/args.js";

/** What the keys are told to. */
export interface SnapshotTarget {
  /** A key as it was when the snapshot began, of the database that was number `id` then. It is another's again after the call. */
  key(id: number, db: Db, ref: Ref): void;
  /** It takes no more now: the walk waits. Keys that are about to change are told all the same. */
  readonly isFull: boolean;
}

export class Snapshot {
  /** Tables as they were, and the database each was of: SWAPDB exchanges them, FLUSHALL makes new ones. */
  private readonly tables: { id: number; db: Db; dict: Dict; release?: () => void }[];
  private table = 0;
  private place = 0;
  /** Keys that were told. */
  told = 0;
  /** Keys there were. */
  readonly keys: number;
  isOver = false;

  /** From here on the keyspace tells what it is about to change. There is one snapshot at a time. */
  constructor(
    private readonly keyspace: Keyspace,
    private target: SnapshotTarget | undefined,
  ) {
    if (keyspace.snapshot !== undefined) throw new Error("there is a snapshot");
    this.tables = keyspace.dbs.filter(({ size }) => size !== 0).map((db) => ({ id: db.id, db, dict: db.dict }));
    this.keys = this.tables.reduce((sum, { dict }) => sum + dict.size, 0);
    for (const { dict } of this.tables) dict.beginWalk();
    keyspace.heap.mark ^= MARK;
    keyspace.snapshot = this;
  }

  /**
   * Nobody wants it any more. The walk goes on all the same, as the next one needs all records to be marked alike; {@link run} is quick then.
   * Keys that are nobody's any more need no mark.
   */
  abandon(): void {
    this.target = undefined;
    for (let at = this.tables.length - 1; at >= this.table; at--) {
      const { release } = this.tables[at];
      if (release === undefined) continue;
      this.tables.splice(at, 1);
      if (at === this.table) this.place = 0;
      release();
    }
    if (this.table === this.tables.length) this.finish();
  }

  /** For whoever gets the keys. */
  get isWaiting(): boolean {
    return this.target?.isFull === true;
  }

  get isAbandoned(): boolean {
    return this.target === undefined;
  }

  /** Goes on until `end`, a time of performance.now(), until the target is full, or `most` keys were told. True when all is told. */
  run(end: number, most = Number.POSITIVE_INFINITY): boolean {
    while (!this.isOver) {
      if (this.told >= most || this.target?.isFull) return false;
      this.step();
      if (performance.now() >= end) return false;
    }
    return true;
  }

  private step(): void {
    const table = this.tables[this.table];
    if (table === undefined) return this.finish();
    this.walked = table;
    this.place = table.dict.walk(this.place, this.found);
    if (this.place !== 0) return;
    this.table++;
    table.dict.endWalk();
    table.release?.();
  }
  private walked: { id: number; db: Db } | undefined;
  private readonly found = (ref: Ref): void => {
    const { id, db } = this.walked as { id: number; db: Db };
    this.tell(id, db, ref);
  };

  private finish(): void {
    this.isOver = true;
    this.keyspace.snapshot = undefined;
  }

  private tell(id: number, db: Db, ref: Ref): void {
    const { heap } = this.keyspace;
    if (isSaved(heap, ref)) return;
    setSaved(heap, ref);
    this.told++;
    this.target?.key(id, db, ref);
  }

  // ---- told before something changes -------------------------------------------------------------------------------------

  /** A key's value, expiry or name is about to change, or it is about to go. */
  before(db: Db, ref: Ref): void {
    if (isSaved(this.keyspace.heap, ref)) return;
    const table = this.tables.find(({ dict }) => dict === db.dict);
    if (table !== undefined) this.tell(table.id, db, ref);
  }

  /** A command that writes is about to run: its keys are told. */
  beforeCommand(db: Db, command: Command, args: Args): void {
    for (const { index } of keysOf(command, args) ?? []) {
      const ref = db.dict.find(args.bytes, args.at(index), args.length(index));
      if (ref !== 0) this.before(db, ref);
    }
  }

  /** All of a table's keys are nobody's any more. True: they are needed here, and `release` is called when they are not. */
  keeps(dict: Dict, release: () => void): boolean {
    const at = this.tables.findIndex((table) => table.dict === dict);
    if (at < this.table) return false;
    this.tables[at].release = release;
    return true;
  }
}
