/** RDB files of ours in redis-server and the other way round, and what both reply about files while they are written, loaded, and wrong. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { sideBySide } from "./side-by-side.js";

const files = fileURLToPath(new URL("oracle/files.mjs", import.meta.url));
const PATIENCE = 60_000;

sideBySide("the same files", ["--enable-debug-command", "yes"], (both) => {
  test(
    "each loads the other's, and holds what the other holds",
    () => {
      const { ours, theirs } = both.servers();
      const words = ["--ours", String(ours.port), "--theirs", theirs.address.path];
      const seed = process.env.DEMI_SEED === undefined ? [] : ["--seed", process.env.DEMI_SEED];
      const { stdout, stderr, status } = spawnSync(process.execPath, [files, ...words, ...seed], {
        encoding: "utf8",
        timeout: PATIENCE,
      });
      console.log(stdout.trim());
      if (status !== 0) throw new Error(`${stderr}\n${stdout}`.slice(0, 10_000));
      expect(JSON.parse(stdout).keys).toBeGreaterThan(50);
    },
    PATIENCE + 10_000,
  );
});
