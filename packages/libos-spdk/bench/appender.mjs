// Closed loops of appends through the libOS, as a process that stays, compiled and warm: `outstanding` pushes are on their way at any time,
// and the next begins when one has completed, which is when it is durable.
//
//   node appender.mjs '{"path": FILE}'       started by appends.mjs, with an IPC channel
import { performance } from "node:perf_hooks";
import { answerLoads } from "@demikernel/bench";
import { openLibOS } from "@demikernel/core";

/** Counted latencies that are kept, nanoseconds. */
const kept = new Uint32Array(1 << 20);

const { path } = JSON.parse(process.argv[2]);
const os = await openLibOS({ libos: "spdk", device: `file:${path}`, from: import.meta.url });
const log = os.open("bench", "a+");
answerLoads(measure);

async function measure({ size, outstanding, seconds, warmup }) {
  os.truncate(log, os.lseek(log, 0, "end"));
  // They stay the application's, which writes the next record into one whenever its push has completed.
  const records = Array.from({ length: outstanding }, () => os.alloc(size));
  const contents = records.map((sga) => os.sga.bytes(sga)).map((at) => new Float64Array(at.buffer, at.byteOffset, 1));
  const since = new Float64Array(outstanding).fill(performance.now());
  let turn = 0; // pushes of one queue complete in the order in which they were started
  let under = outstanding;
  let appends = 0;
  let start;
  let before;
  let after;
  let elapsed = 0;
  let end = performance.now() + warmup * 1000;
  for (const sga of records) os.push(log, sga);
  await os.run(({ result }) => {
    if (result < 0) throw new Error(`a push ended with ${result}`);
    const now = performance.now();
    if (after !== undefined) {
      if (--under === 0) os.stop();
      return;
    }
    if (before !== undefined) {
      if (appends < kept.length) kept[appends] = (now - since[turn]) * 1e6;
      appends++;
    }
    since[turn] = now;
    contents[turn][0] = now;
    if (now < end) {
      os.push(log, records[turn]);
    } else if (before === undefined) {
      os.push(log, records[turn]);
      appends = 0;
      start = now;
      end = now + seconds * 1000;
      before = snapshot();
    } else {
      elapsed = now - start;
      after = snapshot();
      if (--under === 0) os.stop();
    }
    turn = turn + 1 === outstanding ? 0 : turn + 1;
  });
  for (const sga of records) os.free(sga);
  const latencies = kept.subarray(0, Math.min(appends, kept.length)).sort();
  const at = (q) => latencies[Math.floor(q * latencies.length)] / 1000;
  const grown = (key) => after[key] - before[key];
  return {
    appends,
    seconds: elapsed / 1000,
    cpuNs: grown("cpuNs"),
    p50: at(0.5),
    p99: at(0.99),
    recordsPerCommit: grown("spdk.records") / grown("spdk.commits"),
    entersPerCommit: grown("spdk.enters") / grown("spdk.commits"),
    copied: grown("spdk.copiedBytes") / (grown("spdk.copiedBytes") + grown("spdk.inPlaceBytes")),
  };
}

function snapshot() {
  const { user, system } = process.cpuUsage();
  return { cpuNs: (user + system) * 1000, ...os.stats() };
}
