/** SAVE, BGSAVE and save points: the dataset as an RDB file, while everybody waits or beside commands; and what is known of the last one. */
import { join } from "node:path";
import { VERSION } from "../commands/connection/session.js";
import type { Db } from "../keyspace/db.js";
import type { Ref } from "../memory/heap.js";
import { RdbFileWriter } from "../rdb/file-writer.js";
import type { Server } from "../server/server.js";
import { FileSink } from "./file-sink.js";
import { type SavePoint, savePoints } from "./save-points.js";
import { temporaryFile } from "./temporary-files.js";

/** Seconds after which what has failed is tried again. */
const RETRIED = 5;

type Fact = readonly [string, string];

const seconds = (): number => Math.floor(Date.now() / 1000);

export class RdbSaver {
  /** Of the last good one, in seconds since 1970: at the start the dataset is as the file has it. */
  lastSave = seconds();
  isLastGood = true;
  /** Seconds that the last one in the background took; -1: there was none. */
  lastDuration = -1;
  saves = 0;
  /** BGSAVE SCHEDULE: one begins as soon as it can. */
  isScheduled = false;
  points: SavePoint[] = [];
  /** Commands that write are refused: stop-writes-on-bgsave-error. */
  isRefusing = false;
  /** DEBUG SET-SKIP-CHECKSUM-VALIDATION: RESTORE takes any. */
  skipsChecksums = false;
  /** What a file says beside the keys: the history that replicas go on from, and libraries of functions. */
  historyFacts: () => readonly Fact[] = () => [];
  libraries: () => readonly string[] = () => [];
  /** Gets the libraries that a file had which was loaded. */
  onLibraries: (sources: readonly string[], replaces?: boolean) => void = () => {};
  /** Changes that were counted when the last good one began. */
  private savedAt = 0;
  private tried = 0;
  private underWay: { sink: FileSink; began: number } | undefined;

  constructor(private readonly server: Server) {
    const follow = (): undefined => {
      this.points = savePoints(server.config.save);
      this.judge();
    };
    follow();
    server.config.onChange("save", follow);
    server.config.onChange("stop-writes-on-bgsave-error", follow);
    server.cron.tasks.push(() => this.tick());
  }

  /** Changes since the dataset was saved last. */
  get changes(): number {
    return this.server.keyspace.dirty - this.savedAt;
  }

  /** One is being written beside commands, to a file. */
  get isRunning(): boolean {
    return this.underWay !== undefined;
  }

  /** Seconds since it began; -1: there is none. */
  get runningFor(): number {
    return this.underWay === undefined ? -1 : seconds() - this.underWay.began;
  }

  /** The dataset is as a file has it: it was loaded. */
  isSaved(): void {
    this.savedAt = this.server.keyspace.dirty;
  }

  /** Facts that every file begins with. `isBase`: of an append-only file. */
  facts(isBase = false): Fact[] {
    return [
      ["redis-ver", VERSION],
      ["redis-bits", "64"],
      ["ctime", String(seconds())],
      ["used-mem", String(this.server.keyspace.usedMemory)],
      ...this.historyFacts(),
      ["aof-base", isBase ? "1" : "0"],
    ];
  }

  // ---- while everybody waits ------------------------------------------------------------------------------------------------

  /** SAVE, at the end, and after FLUSHALL. False: it could not be written, and the old file is as it was. */
  saveNow(): boolean {
    const { keyspace } = this.server;
    this.saves++;
    try {
      const sink = this.open(true);
      const writer = this.begin(sink);
      for (const db of keyspace.dbs) this.tellAll(db, writer);
      writer.end();
      sink.endNow();
    } catch (error) {
      this.failed(error as Error);
      return false;
    }
    this.isGood(keyspace.dirty);
    return true;
  }

  /** All keys were deleted: what is being saved is not wanted any more, and with save points a file without keys takes its place. */
  afterFlush(): void {
    this.abandon();
    if (this.points.length !== 0) this.saveNow();
  }

  private tellAll(db: Db, writer: RdbFileWriter): void {
    const { dict, id } = db;
    const told = (ref: Ref): void => {
      writer.key(id, db, ref);
      const { rdbKeySaveDelay } = this.server.config;
      if (rdbKeySaveDelay > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, rdbKeySaveDelay / 1000);
    };
    dict.beginWalk();
    try {
      for (let place = dict.walk(0, told); place !== 0; ) place = dict.walk(place, told);
    } finally {
      dict.endWalk();
    }
  }

  // ---- beside commands ------------------------------------------------------------------------------------------------------

  /** False: the file cannot be written. Only while nobody has a snapshot. */
  start(): boolean {
    const { keyspace, snapshots } = this.server;
    const began = seconds();
    this.saves++;
    this.tried = began;
    this.isScheduled = false;
    let sink: FileSink;
    try {
      sink = this.open(false);
    } catch (error) {
      this.failed(error as Error);
      return false;
    }
    this.underWay = { sink, began };
    // It waits, at most, until an abandoned one has come to its end.
    snapshots.whenFree(() => {
      if (this.underWay?.sink !== sink) return;
      const { dirty } = keyspace;
      const writer = this.begin(sink);
      snapshots.start("rdb", writer, (isWhole) => {
        if (!isWhole) return;
        writer.end();
        sink.end((error) => {
          if (error === undefined) this.ended(dirty);
        });
      });
    });
    return true;
  }

  /** The one under way is not wanted any more, which is no failure: nothing of it is left when this returns. */
  abandon(): void {
    const { underWay } = this;
    if (underWay === undefined) return;
    this.over();
    underWay.sink.abandon();
    if (this.server.snapshots.kind === "rdb") this.server.snapshots.abandon();
  }

  private ended(dirty: number): void {
    this.over();
    this.isGood(dirty);
  }

  private over(): void {
    this.lastDuration = this.runningFor;
    this.underWay = undefined;
  }

  // ---- both -----------------------------------------------------------------------------------------------------------------

  private open(isNow: boolean): FileSink {
    const { config } = this.server;
    const sink: FileSink = new FileSink(join(process.cwd(), config.dbfilename), temporaryFile(), {
      isNow,
      syncsOften: config.rdbSaveIncrementalFsync,
      onError: (error) => {
        if (this.underWay?.sink !== sink) return;
        this.over();
        this.failed(error);
        if (this.server.snapshots.kind === "rdb") this.server.snapshots.abandon();
      },
    });
    return sink;
  }

  private begin(sink: FileSink): RdbFileWriter {
    const writer = new RdbFileWriter(this.server.config, this.server.evictor, sink);
    writer.begin(this.facts());
    for (const library of this.libraries()) writer.library(library);
    return writer;
  }

  private isGood(dirty: number): void {
    this.savedAt = dirty;
    this.lastSave = seconds();
    this.isLastGood = true;
    this.judge();
  }

  private failed(error: Error): void {
    this.server.log(`${this.server.config.dbfilename} cannot be saved: ${error.message}`);
    this.isLastGood = false;
    this.judge();
  }

  private judge(): void {
    this.isRefusing = this.server.config.stopWritesOnBgsaveError && this.points.length !== 0 && !this.isLastGood;
  }

  private tick(): void {
    if (this.underWay !== undefined || this.server.snapshots.isRunning || this.server.loading.isOn) return;
    const now = seconds();
    const due = this.points.find(
      (point) => this.changes >= point.changes && now - this.lastSave > point.seconds && this.mayTry(now),
    );
    if (due !== undefined) {
      this.server.note(`${due.changes} changes in ${due.seconds} seconds: saving`);
      this.start();
    } else if (this.isScheduled && this.mayTry(now)) {
      this.start();
    }
  }

  private mayTry(now: number): boolean {
    return this.isLastGood || now - this.tried > RETRIED;
  }
}
