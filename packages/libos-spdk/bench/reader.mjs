// Reads a log from its start to its end through the libOS, as a process that stays: a number of pops is under way at any time.
//
//   node reader.mjs '{"path": FILE}'       started by reading.mjs, with an IPC channel
import { answerLoads } from "@demikernel/bench";
import { openLibOS } from "@demikernel/core";

/** Pops under way. */
const POPS = 64;

const { path } = JSON.parse(process.argv[2]);
const os = await openLibOS({ libos: "spdk", device: `file:${path}`, from: import.meta.url });
answerLoads(measure);

async function measure() {
  const log = os.open("bench", "r");
  let records = 0;
  let bytes = 0;
  let under = POPS;
  const cpu = process.cpuUsage();
  const start = performance.now();
  for (let i = 0; i < POPS; i++) os.pop(log);
  await os.run(({ result, sga }) => {
    if (result < 0) throw new Error(`a pop ended with ${result}`);
    if (result === 0) {
      if (--under === 0) os.stop();
      return;
    }
    records++;
    bytes += result;
    os.free(sga);
    os.pop(log);
  });
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  os.close(log);
  return { records, bytes, seconds, cpuNs: (user + system) * 1000 };
}
