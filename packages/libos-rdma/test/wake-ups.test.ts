/** No wake-up is lost, whenever the peer speaks. Over verbs in the guest: guest/wake-ups.sh. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { whyNoAddon } from "../src/addon.js";

const program = fileURLToPath(new URL("programs/wake-ups.mjs", import.meta.url));
const reason = whyNoAddon();
const run = reason === undefined || process.env.CI === "true" ? it : it.skip;
const soak = process.env.DEMI_SOAK === "1";
const rounds = soak ? 100_000 : 1000;

run.each(["adaptive", "interrupt"])(
  `tcp, %s: what comes after 0 to 5 ms always wakes who waits for it${reason === undefined ? "" : ` (${reason})`}`,
  (loop) => {
    const seed = Number(process.env.DEMI_SEED ?? Math.floor(Math.random() * 2 ** 31));
    process.stderr.write(`wake-ups, tcp, ${loop}: DEMI_SEED=${seed}\n`);
    const { status, signal, stderr, stdout } = spawnSync(
      process.execPath,
      [program, "tcp", loop, String(seed), String(rounds)],
      { encoding: "utf8", timeout: soak ? 1_800_000 : 120_000 },
    );
    expect({ seed, status, signal, stderr }).toEqual({ seed, status: 0, signal: null, stderr: "" });
    const { counts } = JSON.parse(stdout);
    expect(Object.values(counts as Record<string, number>).reduce((a, b) => a + b)).toBe(rounds);
  },
  soak ? 1_900_000 : 130_000,
);
