/** kill -9 under load: what was acknowledged is there, and nothing that was not sent. DEMI_CRASHES is how many times. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { aofFolder, PROGRAM } from "./aof-folder.js";
import { freePort } from "./demi-redis.js";
import { makeLogApplication } from "./log-application.mjs";

const CRASH = fileURLToPath(new URL("programs/crash.mjs", import.meta.url));
const ROUNDS = process.env.DEMI_CRASHES ?? "3";
/** Milliseconds: many times what it takes on a quiet machine. */
const PATIENCE = 280_000;

const folder = aofFolder();

/** What the program that kills servers says of its rounds. */
async function crash(...options: string[]): Promise<{ rounds: number; acknowledged: number }> {
  const server = [process.execPath, PROGRAM, "server", "--port", String(await freePort()), ...options];
  const rules = ["--appendonly", "yes", "--appendfsync", "always"];
  const { signal, status, stderr, stdout } = spawnSync(
    process.execPath,
    [CRASH, "--rounds", ROUNDS, "--folder", folder().path, "--rewrite", "--", ...server, ...rules],
    { encoding: "utf8", timeout: PATIENCE },
  );
  console.log(stdout.trim());
  if (status !== 0 || signal !== null) throw new Error(`${stderr}\n${stdout}`);
  return JSON.parse(stdout);
}

test.each([
  ["files", (): string[] => []],
  [
    "a log of a storage engine",
    (): string[] => {
      const { path } = folder();
      return ["--config", makeLogApplication(path, `file:${join(path, "device")},size=256MiB`)];
    },
  ],
])(
  "on %s",
  async (_, options) => {
    const done = await crash(...options());
    expect(done.rounds).toBe(Number(ROUNDS));
    expect(done.acknowledged).toBeGreaterThan(100);
  },
  PATIENCE + 20_000,
);
