// Appends numbered records to the log of each device until it is killed. What it finds there it checks first. Says what it knows, a line
// of standard output each, in which DEVICE is the device's place among the arguments:
//
//   DEVICE found FIRST NEXT    the log has the records from number FIRST up to NEXT, each once and in order; of many it keeps the last
//   DEVICE durable NUMBER      one more
//
//   node append.mjs DEVICE...
import { writeSync } from "node:fs";
import { openLibOS } from "@demikernel/core";
import { numberOf, recordOf } from "./record.mjs";

/** Pushes under way on a log. */
const DEPTH = 16;
/** More records are given back, so that the device is used again. */
const MOST = 300;

/** All memory is locked where the device is a controller: little of it. */
const ARENA = [{ size: 8192, count: 256 }];

/** Opens a device and checks its log; returns what begins to append. */
async function open(device, place) {
  const os = await openLibOS({ libos: "spdk", device, arena: ARENA });
  const log = os.open("log", "a+");
  let first = -1;
  let next = 0;
  let last = 0;
  for (;;) {
    const position = os.lseek(log, 0, "cur");
    const sga = await os.async.pop(log);
    if (sga === 0) break;
    const record = os.sga.copy(sga);
    os.free(sga);
    if (first < 0) first = next = numberOf(record);
    if (!record.equals(recordOf(next))) throw new Error(`${device}: record ${next} is not as it was pushed`);
    last = position;
    next++;
  }
  writeSync(1, `${place} found ${Math.max(first, 0)} ${next}\n`);
  if (next - first > MOST) os.truncate(log, last);
  const more = async () => {
    for (;;) {
      const number = next++;
      await os.async.push(log, os.sga.from(recordOf(number)), { free: true });
      writeSync(1, `${place} durable ${number}\n`);
    }
  };
  return () => {
    for (let i = 0; i < DEPTH; i++) more();
  };
}

const begin = [];
for (const [place, device] of process.argv.slice(2).entries()) begin.push(await open(device, place));
// Together, so that none fills its device while others are still opened.
for (const one of begin) one();
