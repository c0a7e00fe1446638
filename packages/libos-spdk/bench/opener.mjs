// Opens a device and says how long that took, and the most memory of the process before and after.
//
//   node opener.mjs FILE        prints one line of JSON
import { readFileSync } from "node:fs";
import { openLibOS } from "@demikernel/core";

const [path] = process.argv.slice(2);
/** The most that was resident so far, KiB. */
const peak = () => Number(/^VmHWM:\s*(\d+)/m.exec(readFileSync("/proc/self/status", "latin1"))[1]);

// What any libOS takes is not the device's.
(await openLibOS({ libos: "memory", from: import.meta.url })).destroy();
const before = peak();
const start = performance.now();
const os = await openLibOS({ libos: "spdk", device: `file:${path}`, from: import.meta.url });
const seconds = (performance.now() - start) / 1000;
const stats = os.stats();
const log = os.open("bench", "r");
const end = os.lseek(log, 0, "end");
console.log(
  JSON.stringify({
    seconds,
    kibibytes: peak() - before,
    segments: stats["spdk.segments"],
    recovered: stats["spdk.recoveredBatches"],
    end,
  }),
);
os.destroy();
