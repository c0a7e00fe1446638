/** Processes of append.mjs, killed while they append, and what is known of the devices that they leave. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("append.mjs", import.meta.url));

/** What is known of a device's log: the numbers of its records. */
export class Known {
  first = 0;
  next = 0;
  durable = -1;
  /** It found what there was, and went on. */
  appended = false;

  hear(what, a, b) {
    if (what === "durable") {
      this.durable = Math.max(this.durable, a);
      this.appended = true;
      return;
    }
    // All that was acknowledged is there; what is not there any more was given back, as the last process found it.
    assert.ok(b > this.durable, `record ${this.durable} was acknowledged, and the log ends before ${b}`);
    assert.ok(a === this.first || a === this.next - 1, `the log begins with ${a}, not with ${this.first}`);
    this.first = a;
    this.next = b;
  }
}

/** Lets a process append to all of the devices, and kills it so long after it has appended to each. */
export async function appendUntilKilled(devices, known, milliseconds) {
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
      const one = known[Number(place)];
      const before = one.appended;
      one.hear(what, Number(numbers[0]), Number(numbers[1]));
      if (one.appended && !before && --left === 0) setTimeout(() => child.kill("SIGKILL"), milliseconds);
    }
  } finally {
    child.kill("SIGKILL");
  }
  assert.deepEqual([...(await closed), error], [null, "SIGKILL", ""]);
}
