/** demi-redis beside redis-server: random commands, every reply and all that is held afterwards compared. DEMI_REDIS_COMMANDS is how many. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { sideBySide } from "./side-by-side.js";

const main = fileURLToPath(new URL("oracle/main.mjs", import.meta.url));
const COMMANDS = process.env.DEMI_REDIS_COMMANDS ?? "200000";
/** Milliseconds: many times what it takes on a quiet machine. */
const PATIENCE = 600_000;

sideBySide("random commands", ["--enable-debug-command", "yes"], (both) => {
  test(
    `${COMMANDS} of them`,
    () => {
      const { ours, theirs } = both.servers();
      const words = ["--ours", String(ours.port), "--theirs", theirs.address.path, "--commands", COMMANDS];
      const seed = process.env.DEMI_SEED === undefined ? [] : ["--seed", process.env.DEMI_SEED];
      const { stdout, stderr, status } = spawnSync(process.execPath, [main, ...words, ...seed], {
        encoding: "utf8",
        timeout: PATIENCE,
      });
      console.log(stdout.trim());
      if (status !== 0) throw new Error(`${stderr}\n${stdout}`.slice(0, 10_000));
      expect(JSON.parse(stdout).commands).toBeGreaterThanOrEqual(Number(COMMANDS));
    },
    PATIENCE + 10_000,
  );
});
