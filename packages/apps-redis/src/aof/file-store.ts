/**
 * The append-only file as redis-server 7.0 has it, a folder of files that a manifest names: a base, which is an RDB file, and increments, which are
 * commands. A new base is written beside the increments of the old one; from the moment it was begun what is appended goes into an increment of its own.
 */
import {
  close,
  closeSync,
  existsSync,
  fdatasync,
  mkdirSync,
  open,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  unlink,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { LibOS, QueueDescriptor } from "@demikernel/core";
import { FileSink, syncFolder } from "../persistence/file-sink.js";
import { removeTemporaries } from "../persistence/temporary-files.js";
import { AppendedFile } from "./appended-file.js";
import { BLOCK, fillerOf, newHead } from "./filler.js";
import type { Increment } from "./increment.js";
import { type AofFile, emptyManifest, formatManifest, type Manifest, parseManifest } from "./manifest.js";
import { align, PreparedFile, prepare } from "./prepared-file.js";
import { Pushes } from "./pushes.js";
import type { AofStore, Base } from "./store.js";

export interface AofPlace {
  /** The folder, below the working one, and what its files' names begin with. */
  folder: string;
  name: string;
}

export const manifestPath = ({ folder, name }: AofPlace): string => join(folder, `${name}.manifest`);

/** Undefined: there is none. Throws BadManifest. */
export function readManifest(place: AofPlace): Manifest | undefined {
  const path = manifestPath(place);
  return existsSync(path) ? parseManifest(readFileSync(path, "latin1")) : undefined;
}

/** It is the old one until it is the new one. */
function writeManifest(place: AofPlace, manifest: Manifest): void {
  const path = manifestPath(place);
  const temporary = join(place.folder, `temp-${process.pid}.manifest`);
  writeFileSync(temporary, formatManifest(manifest), { encoding: "latin1", flush: true });
  renameSync(temporary, path);
  syncFolder(place.folder);
}

export interface FileStoreOptions {
  isDurable: boolean;
  /** What is there is out of date, and stays until there is a new base. */
  isFresh: boolean;
  /** Told when files that are not needed any more could not be removed, and the like. */
  warn(sentence: string): void;
  /** Called when more can be appended, though nothing was on its way. */
  ready(): void;
}

export class FileStore implements AofStore {
  isDurable: boolean;
  private wantsDurable: boolean;
  baseBytes = 0;
  appendedBytes = 0;
  private readonly pushes: Pushes;
  private readonly manifest: Manifest;
  private increment: Increment;
  /** The one before, until its pushes have ended: no other is written meanwhile, as only the last may be torn. */
  private before: Increment | undefined;
  private isFresh: boolean;

  /** Goes on with what the manifest names, or begins one. Throws a DemiError or a system error. */
  constructor(
    private readonly os: LibOS,
    private readonly place: AofPlace,
    private readonly options: FileStoreOptions,
  ) {
    mkdirSync(place.folder, { recursive: true });
    removeTemporaries(place.folder);
    this.manifest = readManifest(place) ?? emptyManifest();
    this.isDurable = this.wantsDurable = options.isDurable;
    this.isFresh = options.isFresh;
    this.pushes = new Pushes(os);
    if (this.isFresh) {
      this.increment = this.beginFresh();
      return;
    }
    const { base, increments } = this.manifest;
    this.baseBytes = base === undefined ? 0 : sizeOf(join(place.folder, base.name));
    for (const { name } of increments) this.appendedBytes += sizeOf(join(place.folder, name));
    const last = increments[increments.length - 1];
    this.increment = last === undefined ? this.newIncrement(this.manifest, 1) : this.openIncrement(last);
    if (last === undefined) writeManifest(place, this.manifest);
    this.removeHistory();
  }

  /** All there was is of no use when there is a base; until then the manifest on the disk stays as it is. */
  private beginFresh(): Increment {
    const { manifest } = this;
    const { base, increments } = manifest;
    const seq = increments[increments.length - 1]?.seq ?? 0;
    if (base !== undefined) manifest.history.push(base);
    manifest.history.push(...increments);
    manifest.base = undefined;
    manifest.increments = [];
    return this.newIncrement(manifest, seq + 1);
  }

  get hasBase(): boolean {
    return !this.isFresh;
  }

  // ---- appending -----------------------------------------------------------------------------------------------------------

  owns(qd: QueueDescriptor): boolean {
    return this.increment.owns(qd) || this.before?.owns(qd) === true;
  }

  append(bytes: Uint8Array, at: number, length: number): number {
    if (this.before !== undefined) return 0;
    if (this.wantsDurable !== this.isDurable) {
      this.isDurable = this.wantsDurable;
      this.rotate();
      if (this.before !== undefined) return 0;
    }
    return this.increment.append(bytes, at, length);
  }

  ended(qd: QueueDescriptor, result: number): number {
    const increment = this.increment.owns(qd) ? this.increment : (this.before as Increment);
    const { size } = increment;
    const bytes = increment.ended(qd, result);
    this.appendedBytes += increment.size - size;
    if (increment === this.before && increment.isIdle) {
      this.before = undefined;
      this.leaveIncrement(increment);
    }
    return bytes;
  }

  get depth(): number {
    return this.isDurable ? 2 : 1;
  }

  get canCutBack(): boolean {
    return this.before === undefined && !this.isDurable;
  }

  cutBack(): void {
    this.increment.cutBack();
  }

  setDurable(isDurable: boolean): void {
    this.wantsDurable = isDurable;
  }

  sync(done: (error: Error | undefined) => void): void {
    this.synchronize(this.increment, done);
  }

  close(): void {
    this.increment.close();
    this.pushes.close();
  }

  private newIncrement(manifest: Manifest, seq: number): Increment {
    const { increments } = manifest;
    const file = { name: `${this.place.name}.${seq}.incr.aof`, seq };
    const increment = this.isDurable ? this.prepared(file, newHead()) : this.appended(file);
    increments.push(file);
    return increment;
  }

  /** Goes on with one. A file that was not made to be filled ahead stays as it is, and another follows it. */
  private openIncrement(file: AofFile): Increment {
    if (!this.isDurable) return this.appended(file);
    const head = headOf(join(this.place.folder, file.name));
    if (fillerOf(head) !== undefined) return this.prepared(file);
    const increment = this.newIncrement(this.manifest, file.seq + 1);
    writeManifest(this.place, this.manifest);
    return increment;
  }

  private appended(file: AofFile): Increment {
    const path = join(this.place.folder, file.name);
    return new AppendedFile(this.os, this.pushes, path, file, sizeOf(path));
  }

  /** `head`: of a new one. */
  private prepared(file: AofFile, head?: Buffer): Increment {
    const path = join(this.place.folder, file.name);
    if (head !== undefined) prepare(path, head);
    const filler = fillerOf(head ?? headOf(path)) as Buffer;
    return new PreparedFile(this.os, this.pushes, path, file, align(path, sizeOf(path)), filler, this.options.ready);
  }

  /** Nothing more is written to it. */
  private leaveIncrement(increment: Increment): void {
    increment.close();
    this.synchronize(increment, (error) => error !== undefined && this.options.warn(error.message));
  }

  /** Beside commands, by one of Node's threads: the libOS has no call for it. */
  private synchronize({ file }: Increment, done: (error: Error | undefined) => void): void {
    open(join(this.place.folder, file.name), "r", (failure, fd) => {
      if (failure !== null) return done(failure);
      fdatasync(fd, (error) => close(fd, () => done(error ?? undefined)));
    });
  }

  // ---- a new base ----------------------------------------------------------------------------------------------------------

  beginBase(): Base {
    const { manifest, place } = this;
    const seq = Math.max(manifest.base?.seq ?? 0, ...manifest.history.map((one) => one.seq)) + 1;
    const file = { name: `${place.name}.${seq}.base.rdb`, seq };
    const sink = new FileSink(
      join(place.folder, file.name),
      join(place.folder, `temp-rewriteaof-bg-${process.pid}.aof`),
    );
    const { isFresh } = this;
    const old = isFresh ? [] : manifest.increments.slice();
    const begun = isFresh ? 0 : this.appendedBytes + this.pushes.underWay;
    if (!isFresh) {
      try {
        this.rotate();
      } catch (error) {
        sink.abandon();
        throw error;
      }
    }
    return {
      sink,
      commit: (ended) =>
        sink.end((error) => {
          if (error !== undefined) return ended(error);
          try {
            if (manifest.base !== undefined) manifest.history.push(manifest.base);
            manifest.history.push(...old);
            manifest.base = file;
            manifest.increments = manifest.increments.filter((one) => !old.includes(one));
            writeManifest(place, manifest);
          } catch (failure) {
            return ended(failure as Error);
          }
          this.isFresh = false;
          this.baseBytes = sink.written;
          this.appendedBytes -= begun;
          this.removeHistory();
          ended(undefined);
        }),
      abandon: () => sink.abandon(),
    };
  }

  /** What is appended from here on is in an increment of its own. */
  private rotate(): void {
    const { manifest } = this;
    const before = this.increment;
    this.increment = this.newIncrement(manifest, before.file.seq + 1);
    if (!this.isFresh) writeManifest(this.place, manifest);
    if (!before.isIdle) this.before = before;
    else this.leaveIncrement(before);
  }

  private removeHistory(): void {
    const { history } = this.manifest;
    if (history.length === 0) return;
    this.manifest.history = [];
    for (const { name } of history) {
      unlink(join(this.place.folder, name), (error) => {
        if (error !== null && error.code !== "ENOENT") this.options.warn(`${name}: ${error.message}`);
      });
    }
    writeManifest(this.place, this.manifest);
  }
}

/** What a file begins with, if it has as much as a line that says how it is filled. */
function headOf(path: string): Buffer {
  if (!existsSync(path)) return Buffer.alloc(0);
  const head = Buffer.alloc(BLOCK);
  const fd = openSync(path, "r");
  try {
    return head.subarray(0, readSync(fd, head, 0, BLOCK, 0));
  } finally {
    closeSync(fd);
  }
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}
