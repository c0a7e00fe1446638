/** The test bed as the tests see it. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** Why there is no bed; undefined where there is one. */
export const lacking =
  process.env.DEMI_BED === "1" ? undefined : (process.env.DEMI_BED_LACKS ?? "run by test/run.mjs only");

/** A path in the run's folder, which is removed at its end. */
export const scratch = (name) => join(process.env.DEMI_BED_FOLDER ?? "", name);

/** Runs a program to its end; what it printed. */
export function run(program, ...args) {
  const { status, error, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr.trim() || stdout.trim()}`);
  return stdout;
}

/** What the kernel says of an interface. */
export function link(name) {
  return JSON.parse(run("ip", "-json", "-details", "link", "show", "dev", name))[0];
}
