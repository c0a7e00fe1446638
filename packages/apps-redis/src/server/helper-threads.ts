/**
 * Where the process has one processor, V8's threads have to share it with the commands: the compiler, which works for many milliseconds at a
 * time, held back whoever waited for a reply by as many. With less of a claim it waits until there is nothing to do, or nearly.
 */
import { readdirSync } from "node:fs";
import { availableParallelism, setPriority } from "node:os";

const NICENESS = 10;

export function yieldToCommands(): void {
  if (availableParallelism() > 1) return;
  try {
    for (const thread of readdirSync("/proc/self/task").map(Number)) {
      // Linux takes a thread's number where it takes a process's.
      if (thread !== process.pid) setPriority(thread, NICENESS);
    }
  } catch {
    // One that has ended meanwhile, or no /proc: then it is as it was.
  }
}
