/**
 * CPU time as the scheduler counts it: nanoseconds on a CPU, user and system together, for any process one may look at. Time
 * that interrupts took on behalf of others is also in it, as in every figure from the kernel.
 */
import { readdirSync, readFileSync } from "node:fs";

/**
 * CPU time of one thread so far, in nanoseconds. A running thread's count lags by up to one scheduler tick (1 to 10 ms). Throws
 * Node's ENOENT or ESRCH when the thread is gone, ENOSYS when the kernel keeps no such count.
 */
export function threadCpuNanoseconds(pid: number, tid: number): number {
  return parseSchedstat(readFileSync(`/proc/${pid}/task/${tid}/schedstat`, "latin1"));
}

/**
 * CPU time of a process so far, in nanoseconds: the sum over the threads it has now, io_uring's workers among them. A thread that
 * ended takes its time with it, so measure processes that keep their threads. Errors as {@link threadCpuNanoseconds}.
 */
export function processCpuNanoseconds(pid: number): number {
  let sum = 0;
  for (const tid of readdirSync(`/proc/${pid}/task`)) {
    try {
      sum += threadCpuNanoseconds(pid, Number(tid));
    } catch (error) {
      if (!isGone(error) || Number(tid) === pid) throw error;
    }
  }
  return sum;
}

/** The first of the three numbers: nanoseconds on a CPU. All three are 0 where the kernel was built without the count. */
function parseSchedstat(text: string): number {
  const fields = text.trim().split(/\s+/).map(Number);
  if (fields.length < 3 || fields.some(Number.isNaN)) throw new Error(`schedstat reads ${JSON.stringify(text)}`);
  if (fields.every((field) => field === 0)) {
    throw Object.assign(new Error("this kernel keeps no schedstat (CONFIG_SCHED_INFO)"), { code: "ENOSYS" });
  }
  return fields[0];
}

function isGone(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ENOENT" || code === "ESRCH";
}
