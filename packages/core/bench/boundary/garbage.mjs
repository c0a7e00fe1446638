/**
 * What garbage collection takes of a steady load: a million push and pop pairs a second, submitted by a 1 ms tick, through the run
 * loop's turns. A separate program, so that nothing else has touched the heap; prints one line of JSON.
 */

import { GarbageObserver } from "@demikernel/bench";
import { Opcode, openLibOS, PushFlag } from "@demikernel/core";

const seconds = Number(process.argv[2]);
const pairsPerMillisecond = 1000;
const batch = 64;
const warmupMilliseconds = 200;

const os = await openLibOS({ libos: "memory" });
const queue = os.queue({ capacity: batch });
const sgas = Array.from({ length: batch }, () => os.alloc(64));
let popped = 0;
let pairs = 0;
const handler = (event) => {
  if (event.result < 0) throw new Error(`opcode ${event.opcode} ended with ${event.result}`);
  if (event.opcode === Opcode.POP) sgas[popped++] = event.sga;
};

function turn() {
  popped = 0;
  for (let i = 0; i < batch; i++) {
    os.push(queue, sgas[i], PushFlag.FREE);
    os.pop(queue);
  }
  os.turn(handler);
  if (popped !== batch) throw new Error(`${popped} pops of ${batch} completed in a turn`);
  pairs += batch;
}

/** Every tick submits what the clock says is due. */
function load(milliseconds) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const first = pairs;
    const tick = setInterval(() => {
      const elapsed = Math.min(performance.now() - start, milliseconds);
      try {
        while (pairs - first < elapsed * pairsPerMillisecond) turn();
      } catch (error) {
        clearInterval(tick);
        reject(error);
        return;
      }
      if (elapsed < milliseconds) return;
      clearInterval(tick);
      resolve(performance.now() - start);
    }, 1);
  });
}

await load(warmupMilliseconds);
const before = pairs;
const observer = new GarbageObserver();
const milliseconds = await load(seconds * 1000);
const collected = await observer.stop();
for (const sga of sgas) os.free(sga);
os.close(queue);
os.destroy();
console.log(JSON.stringify({ ...collected, milliseconds, pairsPerSecond: ((pairs - before) / milliseconds) * 1000 }));
