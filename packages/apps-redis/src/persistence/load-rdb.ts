/** An RDB file is loaded: in slices, so that whoever asks meanwhile is told to wait, or at once. Who wants the keyspace to be empty before empties it. */
import { closeSync, fstatSync, openSync } from "node:fs";
import { setTimeout as pause, setImmediate as turn } from "node:timers/promises";
import { type RdbContents, RdbFileReader, type RdbOptions } from "../rdb/file-reader.js";
import { WindowedReader } from "../rdb/windowed-reader.js";
import type { Server } from "../server/server.js";

/** Milliseconds of a slice, and keys after which the clock is looked at. */
const SLICE = 5;
const KEYS = 16;

export interface LoadOptions extends RdbOptions {
  /** What there was before is served meanwhile. */
  isAside?: boolean;
  /** It is a part of what is being loaded: the caller has begun that, and ends it. */
  isPart?: boolean;
  /** Told after each slice: bytes of the file that were read, and all there are. */
  onProgress?: (loaded: number, total: number) => void;
}

/** It was given up: {@link Loading.abort}. What was loaded is there. */
export class LoadAborted extends Error {}

class Load {
  readonly reader: RdbFileReader;
  readonly size: number;
  private readonly fd: number;
  private readonly source: WindowedReader;

  /** Throws what open() does. */
  constructor(
    private readonly server: Server,
    path: string,
    options: LoadOptions,
  ) {
    this.fd = openSync(path, "r");
    this.size = fstatSync(this.fd).size;
    this.source = new WindowedReader(this.fd, this.size, server.config.rdbchecksum);
    this.reader = new RdbFileReader(this.source, server, options);
  }

  get loaded(): number {
    return this.source.offset;
  }

  /** Goes on until `end`, a time of performance.now(), for so many bytes and keys. True when all is there. */
  run(end: number, bytes: number, keys: number): boolean {
    const { keyspace } = this.server;
    // Keys that come back are not new.
    const { onNew } = keyspace;
    keyspace.onNew = undefined;
    try {
      const stop = this.source.offset + bytes;
      while (this.reader.contents.keys < keys && this.source.offset < stop) {
        for (let i = 0; i < KEYS && this.reader.contents.keys < keys; i++) if (this.reader.step()) return true;
        if (performance.now() >= end) return false;
      }
      return false;
    } finally {
      keyspace.onNew = onNew;
    }
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** Loads while others are served. Throws what open() does, BadFormat where the file is not right, {@link LoadAborted}. */
export async function loadRdbFile(server: Server, path: string, options: LoadOptions = {}): Promise<RdbContents> {
  const load = new Load(server, path, options);
  const { config, loading } = server;
  const isPart = options.isPart === true;
  if (!isPart) loading.begin(load.size, options.isAside);
  const before = loading.loadedBytes;
  const began = performance.now();
  try {
    for (;;) {
      const now = performance.now();
      const { keyLoadDelay } = config;
      const keys = keyLoadDelay > 0 ? ((now - began) * 1000) / keyLoadDelay : Number.POSITIVE_INFINITY;
      const isWhole = load.run(now + SLICE, config.loadingProcessEventsIntervalBytes, keys);
      note(server, load, before);
      options.onProgress?.(load.loaded, load.size);
      if (isWhole) return load.reader.contents;
      await (keyLoadDelay > 0 ? pause(1) : turn());
      if (loading.isAborted) throw new LoadAborted("loading was given up");
    }
  } finally {
    load.close();
    if (!isPart) loading.end();
  }
}

/** Loads while everybody waits. */
export function loadRdbFileNow(server: Server, path: string, options: RdbOptions = {}): RdbContents {
  const load = new Load(server, path, options);
  try {
    load.run(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    note(server, load, 0);
    return load.reader.contents;
  } finally {
    load.close();
  }
}

/** `before`: bytes of other parts. */
function note({ loading }: Server, { loaded, reader }: Load, before: number): void {
  const { expired, facts, keys } = reader.contents;
  Object.assign(loading, {
    loadedBytes: before + loaded,
    keys,
    expired,
    usedMemory: Number(facts.get("used-mem")) || 0,
  });
}
