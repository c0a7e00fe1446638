/** Debian's redis-server: the program that redis-tools has as redis-check-rdb, and is what it is called by. */
import { type ChildProcess, type StdioOptions, spawn, spawnSync } from "node:child_process";

const PROGRAM = "redis-check-rdb";
const NAME = "redis-server";

export function spawnRedis(options: readonly string[], stdio: StdioOptions = "ignore"): ChildProcess {
  return spawn(PROGRAM, options, { stdio, argv0: NAME });
}

/** Why there is no redis-server to compare with, or undefined. */
export function lackingRedis(): string | undefined {
  const { error, stdout } = spawnSync(PROGRAM, ["--version"], { encoding: "utf8", argv0: NAME });
  if (error !== undefined) return "redis-server is not installed: apt install redis-tools";
  return / v=7\.0\./.test(stdout) ? undefined : `redis-server is not 7.0: ${stdout.trim()}`;
}
