// Processes that are killed while they append to logs on controllers, several at a time: the next finds all that was acknowledged, in order,
// once, and nothing that was not pushed.
import assert from "node:assert/strict";
import { generator, runCases } from "../../../../tools/lab-vm/guest-cases.mjs";
import { appendUntilKilled, Known } from "../programs/kill.mjs";

const devices = process.env.DEMI_NVME.split(" ").map((controller) => `nvme:${controller}`);
/** Starting a process takes longest here: each has all of the controllers. */
const rounds = Math.ceil(Number(process.env.DEMI_KILLS ?? 50) / devices.length);

await runCases(
  "killed",
  {
    [`${rounds * devices.length} libOSes killed while they append, ${devices.length} with a process`]: async () => {
      const random = generator();
      const known = devices.map(() => new Known());
      for (let round = 0; round < rounds; round++) await appendUntilKilled(devices, known, random() * 200);
      // What the last one left.
      await appendUntilKilled(devices, known, 0);
      for (const one of known) assert.ok(one.durable > rounds, `${one.durable} records in ${rounds} rounds`);
      return `${known.map(({ durable }) => durable + 1)} records acknowledged`;
    },
  },
  { limit: 1_200_000, after: () => {} },
);
