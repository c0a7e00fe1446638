import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("programs/append.mjs", import.meta.url));
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

/** What is known of a device's log: the numbers of its records. */
class Known {
  first = 0;
  next = 0;
  durable = -1;
  /** It found what there was, and went on. */
  appended = false;

  hear(what: string, a: number, b: number): void {
    if (what === "durable") {
      this.durable = Math.max(this.durable, a);
      this.appended = true;
      return;
    }
    // All that was acknowledged is there; what is not there any more was given back, as the last process found it.
    expect(b).toBeGreaterThan(this.durable);
    expect([this.first, this.next - 1]).toContain(a);
    this.first = a;
    this.next = b;
  }
}

/** Lets a process append to all of the devices, and kills it a moment later. */
async function appendUntilKilled(devices: string[], known: Known[], milliseconds: number): Promise<void> {
  const child = spawn(process.execPath, [program, ...devices], { stdio: ["ignore", "pipe", "pipe"] });
  let error = "";
  child.stderr.on("data", (data) => (error += data));
  const closed = once(child, "close");
  for (const one of known) one.appended = false;
  let left = known.length;
  try {
    let line = "";
    for await (const next of createInterface({ input: child.stdout })) {
      // The last one may be cut.
      const [place, what, ...numbers] = line.split(" ");
      line = next;
      if (what === undefined) continue;
      const one = known[Number(place)] as Known;
      const before = one.appended;
      one.hear(what, Number(numbers[0]), Number(numbers[1]));
      if (one.appended && !before && --left === 0) setTimeout(() => child.kill("SIGKILL"), milliseconds);
    }
  } finally {
    child.kill("SIGKILL");
  }
  expect([...(await closed), error]).toEqual([null, "SIGKILL", ""]);
}

test(
  `${ROUNDS * LANES * TOGETHER} libOSes killed while they append, ${TOGETHER} with a process: what was acknowledged is there, in order, once`,
  async () => {
    const lane = async (name: string) => {
      const devices = Array.from({ length: TOGETHER }, (_, i) => `file:${join(folder, `${name}-${i}`)},size=16MiB`);
      const known = devices.map(() => new Known());
      for (let round = 0; round < ROUNDS; round++) await appendUntilKilled(devices, known, Math.random() * 40);
      // What the last one left.
      await appendUntilKilled(devices, known, 0);
      for (const one of known) expect(one.durable).toBeGreaterThan(ROUNDS);
    };
    await Promise.all(Array.from({ length: LANES }, (_, i) => lane(`lane-${i}`)));
  },
  60_000 + ROUNDS * 20_000,
);
