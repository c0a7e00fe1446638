/** Durable appends in a closed loop, and reading them back: what demi-log bench measures. */
import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import {
  type Completion,
  DemiError,
  errnoOf,
  type LibOS,
  Opcode,
  type QueueDescriptor,
  type Sga,
} from "@demikernel/core";

export interface Load {
  /** Bytes of a record. */
  size: number;
  /** Appends under way. */
  outstanding: number;
  /** Of appending and, at most, of reading back; as much as a tenth of it before warms up. */
  seconds: number;
}

export interface Measured extends Load {
  appends: number;
  appendsPerSecond: number;
  /** Microseconds. */
  p50: number;
  p99: number;
  /** Microseconds of all threads of the process. */
  cpuPerAppend: number;
  /** What could be read back in the time. */
  recordsRead: number;
  recordsReadPerSecond: number;
  /** The device was full before the time was over. */
  full: boolean;
}

/** Pops under way while it reads. */
const POPS = 16;

/** Reads `log`, which nothing is under way on, from the end that it has now: what this run has appended. */
export async function measure(os: LibOS, log: QueueDescriptor, load: Load, signal: AbortSignal): Promise<Measured> {
  const start = os.lseek(log, 0, "end");
  const appended = await append(os, log, load, signal);
  os.lseek(log, start);
  return { ...load, ...appended, ...(await readBack(os, log, load.seconds, signal)) };
}

async function append(os: LibOS, log: QueueDescriptor, { size, outstanding, seconds }: Load, signal: AbortSignal) {
  const latencies = createHistogram({ lowest: 1, highest: 3_600_000_000_000, figures: 3 });
  // Pushes of one queue complete in their order, so the oldest start is the next that ends.
  const starts = new Float64Array(outstanding);
  let started = 0;
  let ended = 0;
  let appends = 0;
  let full = false;
  const record = recordOf(os, size);
  const push = () => {
    starts[started++ % outstanding] = performance.now();
    os.push(log, record);
  };
  const measuredFrom = performance.now() + seconds * 100;
  const until = measuredFrom + seconds * 1000;
  let cpu = process.cpuUsage();
  let first = measuredFrom;
  let last = measuredFrom;
  for (let n = 0; n < outstanding; n++) push();
  await os.run((event: Completion) => {
    if (event.opcode !== Opcode.PUSH) return;
    const now = performance.now();
    const began = starts[ended++ % outstanding];
    if (event.result === errnoOf("ENOSPC")) full = true;
    else if (event.result < 0) throw DemiError.from(event.result, "push", log);
    else if (now <= measuredFrom) {
      cpu = process.cpuUsage();
      first = now;
    } else {
      appends++;
      last = now;
      latencies.record(Math.max(1, Math.round((now - began) * 1e6)));
    }
    if (now < until && !full && !signal.aborted) push();
    else if (ended === started) os.stop();
  });
  const { user, system } = process.cpuUsage(cpu);
  os.free(record);
  return {
    appends,
    appendsPerSecond: perSecond(appends, last - first),
    p50: microseconds(latencies, 50),
    p99: microseconds(latencies, 99),
    cpuPerAppend: appends === 0 ? 0 : (user + system) / appends,
    full,
  };
}

async function readBack(os: LibOS, log: QueueDescriptor, seconds: number, signal: AbortSignal) {
  const began = performance.now();
  const until = began + seconds * 1000;
  let records = 0;
  let pending = POPS;
  for (let n = 0; n < POPS; n++) os.pop(log);
  await os.run((event: Completion) => {
    if (event.opcode !== Opcode.POP) return;
    if (event.result < 0) throw DemiError.from(event.result, "pop", log);
    pending--;
    if (event.result > 0) {
      os.free(event.sga);
      records++;
      if (performance.now() < until && !signal.aborted) {
        os.pop(log);
        pending++;
      }
    }
    if (pending === 0) os.stop();
  });
  return { recordsRead: records, recordsReadPerSecond: perSecond(records, performance.now() - began) };
}

/** Bytes that no device compresses. */
function recordOf(os: LibOS, size: number): Sga {
  const record = os.alloc(size);
  crypto.getRandomValues(os.sga.bytes(record).subarray(0, Math.min(size, 65_536)));
  return record;
}

function perSecond(count: number, milliseconds: number): number {
  return milliseconds > 0 ? Math.round((1000 * count) / milliseconds) : 0;
}

function microseconds(latencies: RecordableHistogram, percentile: number): number {
  return latencies.count === 0 ? 0 : Math.round(latencies.percentile(percentile) / 10) / 100;
}
