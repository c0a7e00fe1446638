/** demi-redis beside redis-server: two million random commands, every reply and all that is held afterwards compared. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { DemiRedis } from "./demi-redis.js";
import { besideRedis } from "./redis-server.js";

const main = fileURLToPath(new URL("oracle/main.mjs", import.meta.url));
const COMMANDS = process.env.DEMI_REDIS_COMMANDS ?? "2000000";
/** Milliseconds: many times what it takes on a quiet machine. */
const PATIENCE = 600_000;

besideRedis("random commands", ["--enable-debug-command", "yes"], (redis) => {
  let ours: DemiRedis;
  beforeAll(async () => {
    ours = await DemiRedis.start("--enable-debug-command", "yes");
  });
  afterAll(() => ours.stop());

  test(
    `${COMMANDS} of them`,
    () => {
      const words = ["--ours", String(ours.port), "--theirs", redis().path, "--commands", COMMANDS];
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
