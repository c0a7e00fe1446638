// Appends numbered records until it is killed, and says which are durable: each line of standard output is the number of one more.
//
//   node append.mjs DEVICE FIRST
import { writeSync } from "node:fs";
import { openLibOS, PushFlag } from "@demikernel/core";
import { recordOf } from "./record.mjs";

const [device, first] = process.argv.slice(2);
const os = await openLibOS({ libos: "spdk", device });
const log = os.open("log", "a+");
const numbers = new Map();
let next = Number(first);
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
