// Looks whether a log has all that was acknowledged, and appends to it until it is killed:
//
//   node appender.mjs CONTROLLER
//
// It waits for a line on standard input, "keep" or "empty", so that it can be started while another still has the controller. It prints
// "found N" when it has read N records, numbered from 0 on and as they were pushed, and then the number of each record that is durable.
// "empty" gives the log's space back first.
import { once } from "node:events";
import { writeSync } from "node:fs";
import { PushFlag } from "@demikernel/core";
import { recordOf } from "../programs/record.mjs";
import { openNvme } from "./nvme.mjs";

const controller = process.argv[2];
const [order] = await once(process.stdin, "data");
process.stdin.unref();

/** What was killed lets go of the controller a moment after it is gone. */
async function open() {
  for (const until = Date.now() + 20_000; ; ) {
    try {
      return await openNvme(controller);
    } catch (error) {
      if (error.code !== "EBUSY" || Date.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

const os = await open();
const log = os.open("log", "a+");
let next = 0;
for (;;) {
  const { result, sga } = os.wait(os.pop(log), 60_000_000);
  if (result === 0) break;
  if (result < 0) throw new Error(`record ${next} ends with ${result}`);
  if (!os.sga.copy(sga).equals(recordOf(next))) throw new Error(`record ${next} is not as it was pushed`);
  os.free(sga);
  next++;
}
writeSync(1, `found ${next}\n`);
if (String(order).trim() === "empty") {
  os.truncate(log, os.lseek(log, 0, "end"));
  next = 0;
}
const numbers = new Map();
const push = () => {
  numbers.set(os.push(log, os.sga.from(recordOf(next)), PushFlag.FREE), next);
  next++;
};
for (let i = 0; i < 32; i++) push();
await os.run((event) => {
  if (event.result < 0) throw new Error(`a push ended with ${event.result}`);
  writeSync(1, `${numbers.get(event.qt)}\n`);
  numbers.delete(event.qt);
  push();
});
