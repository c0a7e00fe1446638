/** A folder for each test of a file, with an append-only file in it, and servers that have it. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadAof } from "../src/aof/load.js";
import { datasetOf } from "./dataset.js";
import { DemiRedis } from "./demi-redis.js";
import { Direct } from "./direct.js";
import { eventually } from "./eventually.js";
import { RedisServer } from "./redis-server.js";
import type { RespClient } from "./resp-client.js";

export const PROGRAM = fileURLToPath(new URL("../dist/cli.js", import.meta.url));

export class AofFolder {
  readonly path = mkdtempSync(join(tmpdir(), "demi-redis-aof-"));

  /** Where a part of the append-only file is. */
  file(name: string): string {
    return join(this.path, "appendonlydir", name);
  }

  get manifest(): string {
    return this.file("appendonly.aof.manifest");
  }

  /** The file that is appended to. */
  get increment(): string {
    const all = readdirSync(join(this.path, "appendonlydir")).filter((name) => name.endsWith(".incr.aof"));
    if (all.length !== 1) throw new Error(`increments: ${all.join()}`);
    return this.file(all[0]);
  }

  start(...options: string[]): Promise<DemiRedis> {
    return DemiRedis.start("--dir", this.path, "--appendonly", "yes", "--enable-debug-command", "yes", ...options);
  }

  /** A server that does not start: what it says. */
  refused(...options: string[]): string {
    const words = [PROGRAM, "server", "--port", "0", "--dir", this.path, "--appendonly", "yes", ...options];
    const { signal, status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8", timeout: 20_000 });
    expect({ signal, status }).toEqual({ signal: null, status: 1 });
    return stderr;
  }

  loaded(): Promise<Direct> {
    return loadedFrom(this.path);
  }

  /** What redis-server has when it has loaded these files, of which it is given a copy. */
  async loadedByTheirs(): Promise<Record<string, unknown>> {
    const copy = mkdtempSync(join(tmpdir(), "demi-redis-aof-"));
    try {
      cpSync(join(this.path, "appendonlydir"), join(copy, "appendonlydir"), { recursive: true });
      const theirs = await RedisServer.start("--dir", copy, "--appendonly", "yes");
      try {
        await eventually("redis-server has loaded", async () => {
          const [size] = await theirs.call([["DBSIZE"]]);
          return !(size instanceof Error);
        });
        return await datasetOf(theirs.client);
      } finally {
        await theirs.stop();
      }
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  }

  /** What redis-check-aof says of them. */
  checked(): string {
    return spawnSync("redis-check-aof", [this.manifest], { encoding: "utf8" }).stdout;
  }
}

/**
 * A server in the test's own process that has loaded the append-only file of a folder, as one does that begins with it: that takes no time to
 * start. Rejects with what such a server would say.
 */
export async function loadedFrom(folder: string): Promise<Direct> {
  const direct = new Direct();
  await loadAof(direct.server, { folder: join(folder, "appendonlydir"), name: "appendonly.aof" });
  return direct;
}

/** Declares that each test of the file has a folder; which it is. */
export function aofFolder(): () => AofFolder {
  let folder: AofFolder;
  beforeEach(() => {
    folder = new AofFolder();
  });
  afterEach(() => rmSync(folder.path, { recursive: true, force: true }));
  return () => folder;
}

/** Waits until no base is written, and none is to be. */
export function settled(client: RespClient): Promise<void> {
  return eventually("the base is written", async () => {
    const [text] = await client.call([["INFO", "persistence"]]);
    return /aof_rewrite_in_progress:0/.test(String(text)) && /aof_rewrite_scheduled:0/.test(String(text));
  });
}
