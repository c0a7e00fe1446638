/** Reading back: every record of a log through the libOS, and in C from the same file, with the same checks. */
import { fileURLToPath } from "node:url";
import { Child, Generator, interleave, Progress, pairedRatios, quartiles } from "@demikernel/bench";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** `fileFor(size)`: a file of zeros for the logs. */
export async function compareReading({ sizes, rounds, seed, mebibytes }, programs, fileFor, placement) {
  const cpu = placement.server;
  const progress = new Progress(rounds * sizes.length * 2);
  const rows = [];
  try {
    for (const size of sizes) {
      const path = fileFor(size);
      const count = Math.floor((mebibytes * 2 ** 20) / (size + 16));
      await run("filler", process.execPath, [here("filler.mjs"), path, String(size), String(count)]);
      const libos = new Generator({ name: "libos-spdk", program: here("reader.mjs"), about: { path }, cpu });
      try {
        await libos.ready();
        const load = { seconds: 60, warmup: 0 };
        await libos.measure(load);
        const candidates = [
          { name: "libos-spdk", measure: () => libos.measure(load) },
          { name: "read_records", measure: () => inC(programs.read_records, path, size, cpu) },
        ];
        const onMeasure = (name) => progress.step(`${name}, ${size} B`);
        const { samples } = await interleave(candidates, { rounds, seed, onMeasure });
        for (const { records } of [...samples.values()].flat()) {
          if (records !== count) throw new Error(`${records} of ${count} records were read`);
        }
        rows.push(...rowsOf(samples, size));
      } finally {
        await libos.stop();
      }
    }
  } finally {
    progress.done();
  }
  return rows;
}

const run = (name, command, args, cpu) => new Child({ name, command, args, cpu, measured: true }).output();
const inC = async (command, path, size, cpu) => JSON.parse(await run(command, command, [path, String(size)], cpu));

function rowsOf(samples, size) {
  const figures = (name) => {
    const all = samples.get(name);
    return {
      cpu: all.map(({ cpuNs, records }) => cpuNs / 1000 / records),
      megabytes: all.map(({ bytes, seconds }) => bytes / 1e6 / seconds),
    };
  };
  const inC = figures("read_records");
  const of = (values) => ({ ...quartiles(values), samples: values });
  return [...samples.keys()].map((name) => {
    const { cpu, megabytes } = figures(name);
    return {
      name,
      size,
      cpu: of(cpu),
      megabytes: of(megabytes),
      cpuToC: of(pairedRatios(cpu, inC.cpu)),
      megabytesToC: of(pairedRatios(megabytes, inC.megabytes)),
    };
  });
}
