// A server that is killed while clients write, its append-only file a log on a controller: the next one has all that was acknowledged. What is
// compared is in programs/crash.mjs.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCases, seed } from "../../../../tools/lab-vm/guest-cases.mjs";
import { makeLogApplication } from "../log-application.mjs";

const PROGRAM = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
const CRASH = fileURLToPath(new URL("../programs/crash.mjs", import.meta.url));
const rounds = process.env.DEMI_CRASHES || "3";

/** All of the arena is locked, which takes long here: less of it than by default. */
const ARENA = [
  { size: 256, count: 2048 },
  { size: 4096, count: 2048 },
  { size: 65_536, count: 64 },
  { size: 1 << 20, count: 20 },
];

/** What the program that kills servers says. */
async function crash(folder) {
  const options = ["--rounds", rounds, "--seed", String(seed), "--folder", folder, "--rewrite"];
  options.push("--slow", "--clients", "4");
  const server = [PROGRAM, "server", "--config", "demi.yaml", "--port", "6379", "--appendonly", "yes"];
  server.push("--appendfsync", "always", "--save", "");
  const child = spawn(process.execPath, [CRASH, ...options, "--", process.execPath, ...server], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const closed = once(child, "close");
  let told = "";
  for await (const text of child.stdout.setEncoding("utf8")) told += text;
  assert.deepEqual(await closed, [0, null], told);
  return JSON.parse(told);
}

const folder = mkdtempSync(join(tmpdir(), "demi-redis-guest-"));
await runCases(
  "killed",
  {
    [`a server on a controller, killed ${rounds} times under load`]: async () => {
      makeLogApplication(folder, `nvme:${process.env.DEMI_NVME}`, { arena: ARENA });
      const done = await crash(folder);
      assert.equal(done.rounds, Number(rounds));
      // The time of a round counts from the first reply on.
      assert.ok(done.acknowledged >= done.rounds, `${done.acknowledged} numbers in ${rounds} rounds`);
      assert.ok(!existsSync(join(folder, "appendonlydir")), "it was written to files");
      return JSON.stringify(done);
    },
  },
  { limit: 180_000 * (1 + Number(rounds)), after: () => rmSync(folder, { recursive: true }) },
);
