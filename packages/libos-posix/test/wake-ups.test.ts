/** No wake-up is lost, whenever the other side speaks. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { engines } from "./engines.js";

const program = fileURLToPath(new URL("programs/wake-ups.mjs", import.meta.url));
const soak = process.env.DEMI_SOAK === "1";
const rounds = soak ? 100_000 : 3000;

const cases = engines.flatMap((engine) => ["adaptive", "interrupt"].map((loop) => [engine, loop] as const));
test.each(cases)(
  "%s, %s: an answer after 0 to 5 ms always wakes who waits for it",
  (engine, loop) => {
    const seed = Number(process.env.DEMI_SEED ?? Math.floor(Math.random() * 2 ** 31));
    process.stderr.write(`wake-ups, ${engine}, ${loop}: DEMI_SEED=${seed}\n`);
    const run = spawnSync("node", [program, engine, loop, String(seed), String(rounds)], {
      encoding: "utf8",
      timeout: soak ? 1_800_000 : 90_000,
    });
    expect({ seed, status: run.status, signal: run.signal, stderr: run.stderr }).toEqual({
      seed,
      status: 0,
      signal: null,
      stderr: "",
    });
    const { counts } = JSON.parse(run.stdout);
    expect(Object.values(counts as Record<string, number>).reduce((a, b) => a + b)).toBe(rounds);
  },
  soak ? 1_900_000 : 100_000,
);
