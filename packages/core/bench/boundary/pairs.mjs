/**
 * What a push and the pop that takes it cost together, on an in-memory queue: there the device costs next to nothing, so what is left
 * is the boundary between JavaScript and C++. Each way of using the queues is a candidate; its samples are nanoseconds of CPU time
 * per pair.
 */
import { Opcode, PushFlag } from "@demikernel/core";

/** Pairs between two looks at the clock. */
const chunk = 4096;
const messageBytes = 64;

/**
 * The run loop, `batch` pairs per native poll. `quiet`: pushes report only failures, as a server's do; otherwise each push also
 * has a completion, so that a pair is four entries and not three.
 */
export function runLoop(os, batch, quiet) {
  const queue = os.queue({ capacity: batch });
  const sgas = Array.from({ length: batch }, () => os.alloc(messageBytes));
  const flags = quiet ? PushFlag.FREE | PushFlag.QUIET : PushFlag.FREE;
  let popped = 0;
  let pushed = 0;
  const handler = (event) => {
    if (event.result !== messageBytes) throw new Error(`opcode ${event.opcode} ended with ${event.result}`);
    if (event.opcode === Opcode.POP) sgas[popped++] = event.sga;
    else pushed++;
  };
  return {
    name: `run loop${quiet ? "" : ", pushes complete"}, batch ${batch}`,
    row: { way: quiet ? "run loop" : "run loop, pushes complete", batch },
    pairs(count) {
      for (let done = 0; done < count; done += batch) {
        popped = 0;
        pushed = 0;
        for (let i = 0; i < batch; i++) {
          os.push(queue, sgas[i], flags);
          os.pop(queue);
        }
        os.turn(handler);
        if (popped !== batch || pushed !== (quiet ? 0 : batch)) {
          throw new Error(`${pushed} pushes and ${popped} pops of ${batch} completed in a turn`);
        }
      }
    },
    close: () => closeQueue(os, queue, sgas),
  };
}

/** The calls of the papers: push, pop, and a wait for each token. */
export function calls(os) {
  const queue = os.queue({ capacity: 1 });
  let sga = os.alloc(messageBytes);
  return {
    name: "calls, one pair at a time",
    row: { way: "calls (push, pop, wait)", batch: 1 },
    pairs(count) {
      for (let i = 0; i < count; i++) {
        const push = os.push(queue, sga, PushFlag.FREE);
        const pop = os.pop(queue);
        sga = os.wait(pop).sga;
        if (os.wait(push).result !== messageBytes) throw new Error("a push failed");
      }
    },
    close: () => closeQueue(os, queue, [sga]),
  };
}

/** Promises, `batch` pairs under way at a time. */
export function promises(os, batch) {
  const queue = os.queue({ capacity: batch });
  const sgas = Array.from({ length: batch }, () => os.alloc(messageBytes));
  const pair = async (index) => {
    const pushed = os.async.push(queue, sgas[index], { free: true });
    sgas[index] = await os.async.pop(queue);
    if ((await pushed) !== messageBytes) throw new Error("a push failed");
  };
  return {
    name: `promises, batch ${batch}`,
    row: { way: "promises (os.async)", batch },
    async pairs(count) {
      for (let done = 0; done < count; done += batch) await Promise.all(sgas.map((_, index) => pair(index)));
    },
    close: () => closeQueue(os, queue, sgas),
  };
}

/** A candidate that runs for at least `milliseconds` and says what a pair cost in nanoseconds of CPU time. */
export function timed(way, milliseconds) {
  return {
    name: way.name,
    async measure() {
      let count = 0;
      const start = process.cpuUsage();
      const end = performance.now() + milliseconds;
      do {
        const running = way.pairs(chunk);
        if (running !== undefined) await running;
        count += chunk;
      } while (performance.now() < end);
      const { user, system } = process.cpuUsage(start);
      return ((user + system) * 1000) / count;
    },
  };
}

function closeQueue(os, queue, sgas) {
  for (const sga of sgas) os.free(sga);
  os.close(queue);
}
