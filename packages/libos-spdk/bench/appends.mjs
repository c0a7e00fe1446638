/** Durable appends: from JavaScript through the libOS, from C with the same group commit, and from C one by one. */
import { fileURLToPath } from "node:url";
import { Child, Generator, interleave, Progress, pairedRatios, quartiles } from "@demikernel/bench";

const appender = fileURLToPath(new URL("appender.mjs", import.meta.url));

/** One row a side, size and number outstanding; ratios are of the same round. */
export async function compareAppends({ sizes, outstanding: steps, rounds, seconds, seed }, programs, files, placement) {
  const cpu = placement.server;
  const libos = new Generator({ name: "libos-spdk", program: appender, about: { path: files.libos }, cpu });
  const progress = new Progress(rounds * sizes.length * steps.length * 3);
  const rows = [];
  try {
    await libos.ready();
    for (const size of sizes) {
      for (const outstanding of steps) {
        const load = { size, outstanding, seconds, warmup: 0.2 };
        // V8 compiles.
        await libos.measure(load);
        const candidates = [
          { name: "libos-spdk", measure: () => libos.measure(load) },
          ...["append_group", "append_fdatasync"].map((name) => ({
            name,
            measure: () => inC(programs[name], files.c, load, cpu),
          })),
        ];
        const onMeasure = (name) => progress.step(`${name}, ${size} B, ${outstanding} outstanding`);
        const { samples } = await interleave(candidates, { rounds, seed, onMeasure });
        rows.push(...rowsOf(samples, size, outstanding));
      }
    }
  } finally {
    progress.done();
    await libos.stop();
  }
  return rows;
}

async function inC(command, file, { size, outstanding, seconds, warmup }, cpu) {
  const args = [file, ...[size, outstanding, seconds, warmup].map(String)];
  return JSON.parse(await new Child({ name: command, command, args, cpu, measured: true }).output());
}

function rowsOf(samples, size, outstanding) {
  const figures = (name) => {
    const all = samples.get(name);
    return {
      cpu: all.map(({ cpuNs, appends }) => cpuNs / 1000 / appends),
      p50: all.map(({ p50 }) => p50),
      perSecond: all.map(({ appends, seconds }) => appends / seconds),
    };
  };
  const group = figures("append_group");
  const single = figures("append_fdatasync");
  const of = (values) => ({ ...quartiles(values), samples: values });
  return [...samples.keys()].map((name) => {
    const { cpu, p50, perSecond } = figures(name);
    return {
      name,
      size,
      outstanding,
      cpu: of(cpu),
      p50: of(p50),
      perSecond: of(perSecond),
      cpuToGroup: of(pairedRatios(cpu, group.cpu)),
      p50ToGroup: of(pairedRatios(p50, group.p50)),
      perSecondToSingle: of(pairedRatios(perSecond, single.perSecond)),
      details: samples.get(name),
    };
  });
}
