import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
// @ts-expect-error: plain JavaScript, as the programs are.
import { appendUntilKilled, Known } from "./programs/kill.mjs";

/** libOSes killed while they append; a thousand take a minute on two processors. */
const KILLS = Number(
  process.env.DEMI_KILLS ?? (process.env.CI === "true" || process.env.DEMI_SOAK === "1" ? 1000 : 128),
);
/** Starting a process costs more than opening a libOS: so many, each on a device of its own, are in one. */
const TOGETHER = 16;
/** Processes side by side. */
const LANES = 2;
const ROUNDS = Math.ceil(KILLS / TOGETHER / LANES);

const folder = mkdtempSync(join(tmpdir(), "demi-spdk-killed-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test(
  `${ROUNDS * LANES * TOGETHER} libOSes killed while they append, ${TOGETHER} with a process: what was acknowledged is there, in order, once`,
  async () => {
    const lane = async (name: string) => {
      const devices = Array.from({ length: TOGETHER }, (_, i) => `file:${join(folder, `${name}-${i}`)},size=16MiB`);
      const known = devices.map(() => new Known());
      // At moments that differ, as the machine's own time does: nothing here is repeated by a seed.
      for (let round = 0; round < ROUNDS; round++) await appendUntilKilled(devices, known, (round * 17) % 40);
      // What the last one left.
      await appendUntilKilled(devices, known, 0);
      for (const one of known) expect(one.durable).toBeGreaterThan(ROUNDS);
    };
    await Promise.all(Array.from({ length: LANES }, (_, i) => lane(`lane-${i}`)));
  },
  60_000 + ROUNDS * 20_000,
);
