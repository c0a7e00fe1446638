/** Reads every record of a log, over damaged places too. */
import { type Completion, DemiError, errorName, type LibOS, Opcode } from "@demikernel/core";
import { cursor } from "./device.js";

/** What cannot be read: positions from the first record that is wrong to where reading goes on. */
export interface Damage {
  from: number;
  to: number;
  /** EBADMSG: it reads back wrong; EIO: the device could not read it. */
  error: string;
}

export interface Reading {
  log: string;
  start: number;
  end: number;
  /** Those that are right, and the sum of their lengths. */
  records: number;
  bytes: number;
  damaged: Damage[];
}

/** Records begin at multiples of this (docs/log-format.md), as seen from blocks too. */
const RECORD_ALIGN = 8;
/**
 * Behind the header of a record that is damaged nothing says where the next one begins. As many bytes are tried at each place where one may
 * begin; from there on only blocks, at which batches begin. So what a larger damaged batch still has may not be found.
 */
const TRIED_CLOSELY = 16 << 10;
/** Records between two reports of how far it is. */
const REPORT_EVERY = 1024;

/**
 * Reads what the log has to its end, or until the signal. `blockBytes`: the device's; `report` is told the position now and then. Rejects with
 * DemiError for what is no damage.
 */
export async function readAll(
  os: LibOS,
  log: string,
  blockBytes: number,
  signal: AbortSignal,
  report: (position: number) => void,
): Promise<Reading> {
  const qd = os.open(log, "r");
  const start = cursor(os, qd);
  const end = os.lseek(qd, 0, "end");
  os.lseek(qd, start);
  const reading: Reading = { log, start, end, records: 0, bytes: 0, damaged: [] };
  /** The damage that is being passed; `to` is where it was tried last. */
  let damage: Damage | undefined;
  const passed = (to: number) => {
    if (damage !== undefined) reading.damaged.push({ ...damage, to });
    damage = undefined;
  };
  const stop = () => os.stop();
  signal.addEventListener("abort", stop);
  try {
    if (signal.aborted) return reading;
    os.pop(qd);
    await os.run((event: Completion) => {
      if (event.opcode !== Opcode.POP) return;
      if (event.result > 0) {
        os.free(event.sga);
        reading.records++;
        reading.bytes += event.result;
        if (damage !== undefined) passed(damage.to);
        if (reading.records % REPORT_EVERY === 0) report(cursor(os, qd));
      } else if (event.result < 0) {
        const error = errorName(event.result);
        if (error !== "EBADMSG" && error !== "EIO") throw DemiError.from(event.result, "pop", qd);
        const at = cursor(os, qd);
        damage ??= { from: at, to: at, error };
        damage.to = behind(damage.from, at, blockBytes);
        if (damage.to < end) os.lseek(qd, damage.to);
        report(at);
      }
      if (event.result === 0 || (damage !== undefined && damage.to >= end)) {
        passed(end);
        os.stop();
      } else {
        os.pop(qd);
      }
    });
  } finally {
    signal.removeEventListener("abort", stop);
    os.close(qd);
  }
  return reading;
}

/** Where the next record may begin. */
function behind(damagedFrom: number, at: number, blockBytes: number): number {
  const step = at < damagedFrom + TRIED_CLOSELY ? RECORD_ALIGN : blockBytes;
  return at - (at % step) + step;
}
