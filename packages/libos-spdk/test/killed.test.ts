import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openLibOS } from "@demikernel/core";
// @ts-expect-error: plain JavaScript, as the program that uses it is.
import { recordOf as made } from "./programs/record.mjs";

const recordOf = made as (n: number) => Buffer;
const program = fileURLToPath(new URL("programs/append.mjs", import.meta.url));
/** A thousand take some minutes. */
const ROUNDS = Number(process.env.DEMI_KILLS ?? (process.env.DEMI_SOAK === "1" ? 1000 : 25));

const folder = mkdtempSync(join(tmpdir(), "demi-spdk-killed-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Appends from `first` on for a moment, and kills the process; the last number that it said is durable, -1 if none. */
async function appendUntilKilled(device: string, first: number, milliseconds: number): Promise<number> {
  const child = spawn(process.execPath, [program, device, String(first)], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (data) => {
    if (said === "") setTimeout(() => child.kill("SIGKILL"), milliseconds);
    said += data;
  });
  const [code, signal] = await once(child, "close");
  expect([code, signal]).toEqual([null, "SIGKILL"]);
  const lines = said.split("\n");
  lines.pop(); // what the kill cut
  return lines.length === 0 ? -1 : Number(lines.at(-1));
}

test(
  `${ROUNDS} processes killed while they append: what was acknowledged is there, in order, once`,
  async () => {
    const device = `file:${join(folder, "device")},size=1GiB`;
    let next = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const durable = await appendUntilKilled(device, next, Math.random() * 40);
      const os = await openLibOS({ libos: "spdk", device, from: import.meta.url });
      try {
        const log = os.open("log", "a+");
        let found = 0;
        for (;;) {
          const done = os.wait(os.pop(log), 10_000);
          if (done.result === 0) break;
          expect(done.result).toBeGreaterThan(0);
          if (!os.sga.copy(done.sga).equals(recordOf(found)))
            throw new Error(`record ${found} is not as it was pushed`);
          os.free(done.sga);
          found++;
        }
        expect(found).toBeGreaterThan(durable);
        next = found;
        // Now and then: so that it does not grow for ever, and a device is used again.
        if (round % 10 === 9) {
          os.truncate(log, os.lseek(log, 0, "end"));
          next = 0;
        }
      } finally {
        os.destroy();
      }
    }
  },
  60_000 + ROUNDS * 2000,
);
