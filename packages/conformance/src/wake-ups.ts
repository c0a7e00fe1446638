/**
 * Programs that look for wake-ups that are lost: a thread waits for one thing after the other that a peer does after a random time, in a loop
 * that sleeps, with nothing else in the thread that would turn it; the peer is a Worker, and looks on.
 */
import { writeSync } from "node:fs";
import { type MessagePort, parentPort, type Worker } from "node:worker_threads";

/** Milliseconds, 0 to 5, most of them around the time a loop takes to fall asleep. `random` gives 0 to 1. */
function delayOf(random: () => number): number {
  return 5 * random() ** 6;
}

/** Keeps the thread busy for such a time: a timer would be too coarse. */
export function spin(random: () => number): void {
  const end = performance.now() + delayOf(random);
  while (performance.now() < end);
}

export interface WakeUpRounds<Kind extends string> {
  worker: Worker;
  rounds: number;
  /** What may happen in a round. */
  kinds: Readonly<Record<Kind, () => Promise<void>>>;
  /** Which of them it is. */
  choose(names: readonly Kind[]): Kind;
}

/** The rounds, each told to the Worker before it begins; how many there were of each kind. */
export async function wakeUpRounds<Kind extends string>(of: WakeUpRounds<Kind>): Promise<Record<Kind, number>> {
  const names = Object.keys(of.kinds) as Kind[];
  const counts = Object.fromEntries(names.map((name) => [name, 0])) as Record<Kind, number>;
  for (let round = 0; round < of.rounds; round++) {
    const doing = of.choose(names);
    of.worker.postMessage({ round, doing });
    await of.kinds[doing]();
    counts[doing]++;
  }
  return counts;
}

/**
 * In the Worker: ends the process, and says in which round it stood still, when nothing was heard for `patience` seconds. A timer of the thread
 * that sleeps would turn its loop. What is no round goes to `order`.
 */
export function watchRounds<Order>(patience: number, order: (message: Order) => void): void {
  let last = { round: -1, doing: "nothing" };
  let heard = performance.now();
  (parentPort as MessagePort).on("message", (message: typeof last | Order) => {
    heard = performance.now();
    if (isRound(message)) last = message;
    else order(message);
  });
  setInterval(() => {
    if (performance.now() - heard < patience * 1000) return;
    // Not by the streams of process, which go through the thread that sleeps.
    writeSync(2, `asleep for ${patience} s in round ${last.round}: ${last.doing}\n`);
    process.kill(process.pid, "SIGKILL");
  }, 1000);
}

function isRound(message: unknown): message is { round: number; doing: string } {
  return typeof (message as { round?: unknown }).round === "number";
}
