// Processes that are killed while they append to a log on a controller: each finds all that was acknowledged to those before it, in order,
// once, and nothing that was not pushed.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { generator, runCases } from "../../../../tools/lab-vm/guest-cases.mjs";

const ROUNDS = Number(process.env.DEMI_KILLS ?? 50);
const program = fileURLToPath(new URL("appender.mjs", import.meta.url));
const start = () => spawn(process.execPath, [program, process.env.DEMI_NVME], { stdio: ["pipe", "pipe", "inherit"] });

async function appendUntilKilled(child, order, milliseconds) {
  let found = -1;
  let durable = -1;
  child.stdin.write(`${order}\n`);
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith("found ")) {
      found = Number(line.slice(6));
    } else {
      if (durable === -1) setTimeout(() => child.kill("SIGKILL"), milliseconds);
      durable = Math.max(durable, Number(line));
    }
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  assert.equal(child.signalCode, "SIGKILL");
  return { found, durable };
}

await runCases(
  "killed",
  {
    [`${ROUNDS} processes killed while they append`]: async () => {
      const random = generator();
      let waiting = start();
      let wanted = 0;
      let total = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const child = waiting;
        waiting = start();
        const order = round % 10 === 9 ? "empty" : "keep";
        const { found, durable } = await appendUntilKilled(child, order, random() * 100);
        assert.ok(found >= wanted, `round ${round}: ${found} records, ${wanted} were acknowledged`);
        wanted = durable + 1;
        total += order === "empty" ? durable + 1 : durable + 1 - found;
      }
      waiting.kill();
      return `${total} records acknowledged`;
    },
  },
  { limit: 1_200_000, after: () => {} },
);
