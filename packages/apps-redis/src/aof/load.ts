/**
 * Loads an append-only file: the base, then the increments. The end of the last one may be torn, as by a crash: it is cut off, and said; whatever
 * else is not as it was written is refused, with the file and the offset.
 */
import { existsSync, renameSync, statSync, truncateSync } from "node:fs";
import { type FileHandle, mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loadRdbFile } from "../persistence/load-rdb.js";
import { Found, RequestParser } from "../protocol/request-parser.js";
import { MAGIC } from "../rdb/format.js";
import type { Server } from "../server/server.js";
import { type AofPlace, manifestPath, readManifest } from "./file-store.js";
import { BadManifest, formatManifest, type Manifest } from "./manifest.js";
import { Replayer } from "./replayer.js";

/** Bytes that are read at once, and milliseconds for which commands are run before others have their turn. */
const READ = 1024 * 1024;
const SLICE = 5;
const STAR = 42;
const HASH = 35;
const LF = 10;
const LONGEST_ANNOTATION = 1024;
/** Bytes of an argument: more than a server has taken is damage. */
const MOST_BULK = 4 * 1024 * 1024 * 1024;
/** Whole commands in a row by which the end of a file is told from damage before its end. */
const PLAINLY = 3;
const BOUNDARY = Buffer.from("\r\n*");

/** Told to whoever starts the server: it does not start. */
export class LoadError extends Error {}

export interface AofLoaded {
  /** Commands that were run. */
  commands: number;
  /** What was torn and is cut off, in a sentence. */
  cut: string | undefined;
}

/** Undefined: there is no append-only file. Throws LoadError. */
export async function loadAof(server: Server, place: AofPlace): Promise<AofLoaded | undefined> {
  await upgrade(place);
  let manifest: Manifest | undefined;
  try {
    manifest = readManifest(place);
  } catch (error) {
    if (error instanceof BadManifest) throw new LoadError(`${manifestPath(place)}: ${error.message}`);
    throw error;
  }
  if (manifest === undefined) return undefined;
  const { base, increments } = manifest;
  const loaded: AofLoaded = { commands: 0, cut: undefined };
  const files = base === undefined ? increments : [base, ...increments];
  const replayer = new Replayer(server);
  for (const [i, { name }] of files.entries()) {
    const path = join(place.folder, name);
    if (!existsSync(path)) {
      // It is made when something is appended.
      if (i === files.length - 1 && i !== 0) continue;
      throw new LoadError(`${path}: it is not there, and the manifest names it`);
    }
    const loading = new FileLoading(server, path, replayer, loaded);
    await loading.run(i === files.length - 1);
  }
  return loaded;
}

/** A file of redis-server before 7.0 becomes the base. */
async function upgrade(place: AofPlace): Promise<void> {
  if (existsSync(manifestPath(place)) || !existsSync(place.name)) return;
  await mkdir(place.folder, { recursive: true });
  const moved = join(place.folder, place.name);
  if (existsSync(moved)) return;
  const base = { name: place.name, seq: 1 };
  renameSync(place.name, moved);
  await writeFile(manifestPath(place), formatManifest({ base, increments: [], history: [] }), { flush: true });
}

class FileLoading {
  private readonly parser = new RequestParser();
  private bytes = Buffer.allocUnsafeSlow(READ);
  /** Of what was read, where in the file it begins, and how much of it there is. */
  private begin = 0;
  private filled = 0;
  /** In the file: up to here all is whole. */
  private whole = 0;

  constructor(
    private readonly server: Server,
    private readonly path: string,
    private readonly replayer: Replayer,
    private readonly loaded: AofLoaded,
  ) {}

  /** `isLast`: its end may be torn. */
  async run(isLast: boolean): Promise<void> {
    const file = await open(this.path, "r");
    try {
      this.begin = this.whole = await this.base(file);
      this.replayer.begin();
      await this.commands(file);
    } finally {
      await file.close();
    }
    const { size } = statSync(this.path);
    if (this.whole === size) return;
    const further = commandsBehind(this.server, this.bytes.subarray(0, this.filled));
    if (further >= 0)
      throw new LoadError(
        `${this.path}: at offset ${this.whole}: what a command announces is not there, but others follow at offset ${this.begin + further}`,
      );
    if (!isLast || !this.server.config.aofLoadTruncated)
      throw new LoadError(`${this.path}: it ends within a command, which begins at offset ${this.whole}`);
    truncateSync(this.path, this.whole);
    this.loaded.cut = `${this.path}: its last ${size - this.whole} bytes are no whole command, and were cut off`;
  }

  /** What it begins with may be an RDB file; returns where that ends. */
  private async base(file: FileHandle): Promise<number> {
    const head = Buffer.alloc(MAGIC.length);
    await file.read(head, 0, head.length, 0);
    if (head.toString("latin1") !== MAGIC) return 0;
    const { length } = await loadRdbFile(this.server, this.path, { keepsExpired: true, isPrefix: true });
    return length;
  }

  private async commands(file: FileHandle): Promise<void> {
    for (;;) {
      if (this.filled === this.bytes.length) this.grow();
      const { bytesRead } = await file.read(
        this.bytes,
        this.filled,
        this.bytes.length - this.filled,
        this.begin + this.filled,
      );
      if (bytesRead === 0) break;
      this.filled += bytesRead;
      await this.runWhole();
    }
    this.replayer.forgetTransaction();
  }

  private grow(): void {
    const larger = Buffer.allocUnsafeSlow(this.bytes.length * 2);
    this.bytes.copy(larger, 0, 0, this.filled);
    this.bytes = larger;
  }

  /** Runs the whole commands of what was read. */
  private async runWhole(): Promise<void> {
    const { parser, server } = this;
    const { keyspace } = server;
    let position = 0;
    parser.begin(this.bytes, 0);
    let end = performance.now() + SLICE;
    // Whatever was there when a command ran was there: only what was told of it deletes it.
    keyspace.setNow(0);
    for (;;) {
      const at = this.pastAnnotations(position);
      if (at === this.filled) break;
      position = at;
      if (this.bytes[position] !== STAR) this.refuse(position, "no command begins here");
      parser.begin(this.bytes, position);
      const found = parser.next(this.filled, MOST_BULK, true);
      if (found === Found.NOTHING) break;
      if (found === Found.ERROR) this.refuse(position, parser.error.replace(/^ERR Protocol error: /, ""));
      const why = this.replayer.apply(parser.take());
      if (why !== undefined) this.refuse(position, why);
      this.loaded.commands++;
      position = parser.position;
      if (!this.replayer.isWithinTransaction) this.whole = this.begin + position;
      if (performance.now() < end) continue;
      keyspace.setNow(Date.now());
      await new Promise((resolve) => setImmediate(resolve));
      keyspace.setNow(0);
      end = performance.now() + SLICE;
    }
    keyspace.setNow(Date.now());
    this.bytes.copyWithin(0, position, this.filled);
    this.filled -= position;
    this.begin += position;
  }

  /** Lines that begin with # tell when what follows was written. */
  private pastAnnotations(position: number): number {
    while (position < this.filled && this.bytes[position] === HASH) {
      const feed = this.bytes.subarray(position, this.filled).indexOf(LF);
      if (feed < 0 && this.filled - position > LONGEST_ANNOTATION)
        this.refuse(position, "an annotation without an end");
      if (feed < 0) return this.filled;
      position += feed + 1;
      if (!this.replayer.isWithinTransaction) this.whole = this.begin + position;
    }
    return position;
  }

  private refuse(position: number, why: string): never {
    throw new LoadError(`${this.path}: at offset ${this.begin + position}: ${why}`);
  }
}

/**
 * Where in a tail that is no whole command others begin, or -1: a length that is damaged makes a command of all that follows, which is not to be
 * cut off as if it had been torn.
 */
function commandsBehind(server: Server, tail: Buffer): number {
  const parser = new RequestParser();
  for (let at = tail.indexOf(BOUNDARY); at >= 0; at = tail.indexOf(BOUNDARY, at + 1)) {
    let found = 0;
    parser.begin(tail, at + 2);
    while (parser.next(tail.length, MOST_BULK, true) === Found.COMMAND) {
      if (server.commands.find(parser.take()) === undefined) break;
      if (++found === PLAINLY) return at + 2;
      if (tail[parser.position] !== STAR) break;
      parser.begin(tail, parser.position);
    }
  }
  return -1;
}
