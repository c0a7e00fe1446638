/** Replicas that need all of the dataset: when snapshots for them begin, and who shares one (Redis: startBgsaveForReplication). */
import { closeSync, fstatSync, openSync, unlinkSync } from "node:fs";
import { FileSink } from "../persistence/file-sink.js";
import { temporaryFile } from "../persistence/temporary-files.js";
import { RdbFileWriter } from "../rdb/file-writer.js";
import type { Server } from "../server/server.js";
import { FileTransfer } from "./file-transfer.js";
import { DirectSink, FullSync } from "./full-sync.js";
import type { Replica } from "./replica.js";

/** Milliseconds after which it is looked again whether somebody else's snapshot is over. */
const ASKED_AGAIN = 100;

export class FullSyncs {
  private readonly waiting = new Set<Replica>();
  /** Those whose replicas have not all got everything. */
  private readonly under = new Set<FullSync>();
  /** The one whose snapshot is under way. */
  private current: FullSync | undefined;
  private readonly transfers = new Map<Replica, FileTransfer>();
  private timer: NodeJS.Timeout | undefined;
  /** The file that is being written. */
  private sink: FileSink | undefined;

  constructor(private readonly server: Server) {}

  /** A replica wants all. */
  add(replica: Replica): void {
    const { current } = this;
    // One whose file is being written may be shared: all that has changed since is kept.
    if (current !== undefined && !current.isDirect && this.alike(current, replica)) return current.join(replica);
    this.waiting.add(replica);
    this.schedule(0);
  }

  private alike({ withoutData, withoutFunctions }: FullSync, { introduction }: Replica): boolean {
    return introduction.withoutData === withoutData && introduction.withoutFunctions === withoutFunctions;
  }

  keep(bytes: Uint8Array, at: number, length: number): void {
    for (const sync of this.under) sync.keep(bytes, at, length);
  }

  forget(replica: Replica): void {
    this.waiting.delete(replica);
    this.transfers.delete(replica);
    const { sync } = replica;
    if (sync === undefined) return;
    sync.leave(replica);
    this.settle(sync);
  }

  /** A replica has the file that ends with a mark, and has said so. */
  acknowledged(replica: Replica): void {
    const { sync } = replica;
    if (sync === undefined || !replica.startsOnAck) return;
    sync.putOnline(replica);
    this.settle(sync);
  }

  /** Something has gone to a replica. */
  progressed(replica: Replica): void {
    replica.tookTime = Date.now();
    this.transfers.get(replica)?.goOn();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.sink?.abandon();
  }

  /** Bytes that are kept for replicas that have not got everything. */
  get bytes(): number {
    let sum = 0;
    for (const { kept } of this.under) sum += kept;
    return sum;
  }

  /** Nothing more is kept for who is not there; and a snapshot that nobody wants ends. */
  private settle(sync: FullSync): void {
    if (sync.replicas.size !== 0) return;
    this.under.delete(sync);
    if (sync.isTaken) this.server.snapshots.abandon();
  }

  private schedule(milliseconds: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(this.look, milliseconds).unref();
  }

  private readonly look = (): void => {
    this.timer = undefined;
    const [first] = this.waiting;
    if (first === undefined || this.current !== undefined || this.server.os.closed) return;
    if (!this.server.snapshots.isFree) return this.schedule(ASKED_AGAIN);
    const { replDisklessSync, replDisklessSyncDelay, replDisklessSyncMaxReplicas } = this.server.config;
    if (replDisklessSync && first.introduction.takesEof) {
      const left = first.since + replDisklessSyncDelay * 1000 - Date.now();
      const isEnough = replDisklessSyncMaxReplicas > 0 && this.waiting.size >= replDisklessSyncMaxReplicas;
      if (left > 0 && !isEnough) return this.schedule(left);
    }
    this.start(first);
  };

  /** A snapshot for the first that waits, and all that want the same. */
  private start(first: Replica): void {
    const { replication } = this.server;
    const { withoutData, withoutFunctions } = first.introduction;
    const together = [...this.waiting].filter(
      ({ introduction }) =>
        introduction.withoutData === withoutData && introduction.withoutFunctions === withoutFunctions,
    );
    const takeEof = together.every(({ introduction }) => introduction.takesEof);
    // A file that has not everything must not lie about.
    const isDirect = takeEof && (this.server.config.replDisklessSync || first.introduction.isFiltered);
    replication.stream.flush();
    // They are in no database yet.
    if (replication.master === undefined) replication.stream.db = -1;
    const sync = new FullSync(this.server, isDirect, replication.offset, withoutData, withoutFunctions);
    for (const replica of together) {
      this.waiting.delete(replica);
      sync.join(replica);
    }
    this.under.add(sync);
    this.current = sync;
    if (isDirect) this.direct(sync);
    else this.byFile(sync);
  }

  private direct(sync: FullSync): void {
    const sink = new DirectSink(this.server, sync);
    sink.begin();
    this.snapshot(sync, sink, (isWhole) => {
      if (isWhole) sink.end();
      for (const replica of sync.replicas) {
        if (!isWhole) this.server.limits.drop(replica.client);
        else this.sent(sync, replica, true);
      }
    });
  }

  private byFile(sync: FullSync): void {
    const path = temporaryFile();
    let sink: FileSink;
    try {
      sink = new FileSink(path);
    } catch (error) {
      return this.failed(sync, error as Error);
    }
    this.sink = sink;
    this.snapshot(
      sync,
      sink,
      (isWhole) => {
        if (!isWhole) {
          this.sink = undefined;
          return sink.abandon();
        }
        sink.end((error) => {
          this.sink = undefined;
          this.over(sync);
          if (error !== undefined) return this.failed(sync, error);
          try {
            this.transfer(sync, path);
          } catch (failure) {
            this.failed(sync, failure as Error);
          }
        });
      },
      true,
    );
  }

  /** `goesOn`: the sync's snapshot is not over with its last key. */
  private snapshot(
    sync: FullSync,
    sink: DirectSink | FileSink,
    ended: (isWhole: boolean) => void,
    goesOn = false,
  ): void {
    const { server } = this;
    const writer = new RdbFileWriter(server.config, server.evictor, sink);
    writer.begin(server.rdb.facts());
    if (!sync.withoutFunctions) for (const source of server.rdb.libraries()) writer.library(source);
    const over = (isWhole: boolean): void => {
      sync.isTaken = false;
      if (isWhole) writer.end();
      ended(isWhole);
      if (!goesOn || !isWhole) this.over(sync);
    };
    if (sync.withoutData) return over(true);
    sync.isTaken = true;
    server.snapshots.start("rdb", writer, over);
  }

  private over(sync: FullSync): void {
    if (this.current === sync) this.current = undefined;
    if (this.waiting.size !== 0) this.schedule(0);
  }

  /** There is no file for them: they ask again. */
  private failed(sync: FullSync, error: Error): void {
    this.over(sync);
    this.server.log(`the file for replicas: ${error.message}`);
    for (const { client } of sync.replicas) this.server.limits.drop(client);
  }

  /** Throws a system error. */
  private transfer(sync: FullSync, path: string): void {
    if (this.server.os.closed) return unlinkSync(path);
    const fd = openSync(path, "r");
    unlinkSync(path);
    const { size } = fstatSync(fd);
    let left = sync.replicas.size;
    if (left === 0) return closeSync(fd);
    const done = (): void => {
      if (--left === 0) closeSync(fd);
    };
    for (const replica of [...sync.replicas]) {
      const transfer = new FileTransfer(this.server, fd, size, replica, (isWhole) => {
        this.transfers.delete(replica);
        replica.whenGone = undefined;
        done();
        if (isWhole) this.sent(sync, replica, false);
        else this.server.limits.drop(replica.client);
      });
      replica.whenGone = done;
      this.transfers.set(replica, transfer);
    }
  }

  /** All of the file is on its way to a replica. */
  private sent(sync: FullSync, replica: Replica, hasMark: boolean): void {
    if (replica.introduction.isRdbOnly) {
      sync.leave(replica);
      this.server.leave(replica.client);
    } else if (hasMark && !replica.isOld) {
      replica.state = "online";
      replica.startsOnAck = true;
      replica.ackTime = Date.now();
    } else {
      replica.ackTime = Date.now();
      sync.putOnline(replica);
    }
    this.settle(sync);
  }
}
