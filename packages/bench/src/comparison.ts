/** Rounds over all sides at several numbers of connections, and what they say: medians, and ratios of the same round. */
import type { ComparisonOptions } from "./options.js";
import { Progress } from "./progress.js";
import { interleave } from "./rounds.js";
import type { Side } from "./sides.js";
import { bestPerRound, pairedRatios, type Quartiles, quartiles } from "./statistics.js";

/** A figure over all rounds. */
export interface Figure extends Quartiles {
  samples: number[];
}

/** What was found of a side at a number of connections. */
export interface Row {
  name: string;
  kind: string;
  connections: number;
  p50: Figure;
  p99: Figure;
  /** Undefined of a side that sends one thing at a time. */
  reqPerSec: Figure | undefined;
  cpuPerRequest: Figure | undefined;
  /** Against the kernel's loopback between two ends that spin. */
  p50ToBusyKernel: Figure;
  /** Against the better of the kernel's. */
  p50ToBestKernel: Figure;
  cpuToBestKernel: Figure | undefined;
  /** A comparison's own: {@link Comparison.ratios}. */
  ratios: Readonly<Record<string, Figure>>;
}

/** One figure of a side, by round; undefined where the side does not have it. */
export type Series = (side: Side, key: string) => number[] | undefined;

export interface Comparison<S extends Side> {
  /** Those that are measured at a number of connections. */
  sides(connections: number): readonly S[];
  /** Ratios beside those against the kernel, by name, each of two series of the same rounds. */
  ratios?(
    side: S,
    all: readonly S[],
    series: Series,
  ): Readonly<Record<string, readonly [number[], number[]] | undefined>>;
}

/** Uncounted before each measurement: until the seconds and, for a client in JavaScript, the requests are over. */
const WARMUP = { warmup: 0.05, warmupRequests: 20_000 };

/** Measures all of it, with a line of progress, and stops the sides, whatever became of it. */
export async function compare<S extends Side>(
  comparison: Comparison<S>,
  { connections: steps, rounds, seconds, size, seed }: ComparisonOptions,
): Promise<Row[]> {
  const all = steps.map((connections) => ({ connections, sides: comparison.sides(connections) }));
  const progress = new Progress(rounds * all.reduce((sum, { sides }) => sum + sides.length, 0));
  const rows: Row[] = [];
  try {
    for (const { connections, sides } of all) {
      const load = { connections, size, seconds, ...WARMUP };
      const candidates = sides.map((side) => ({ name: side.name, measure: () => side.measure(load) }));
      const onMeasure = (name: string) => progress.step(`${name}, ${connections} connections`);
      const { samples } = await interleave(candidates, { rounds, seed, onMeasure });
      const series: Series = (side, key) => {
        const values = samples.get(side.name)?.map((sample) => sample[key]) ?? [undefined];
        return values.includes(undefined) ? undefined : (values as number[]);
      };
      rows.push(...rowsOf(sides, connections, series, comparison));
    }
  } finally {
    progress.done();
    for (const side of new Set(all.flatMap(({ sides }) => sides))) await side.stop();
  }
  return rows;
}

function rowsOf<S extends Side>(
  sides: readonly S[],
  connections: number,
  series: Series,
  comparison: Comparison<S>,
): Row[] {
  const kernels = sides.filter(({ kind }) => kind === "kernel");
  const busyKernel = kernels.find(({ busy }) => busy);
  if (busyKernel === undefined) throw new Error("a comparison needs a busy side of the kernel's");
  const needed = (side: Side, key: string) => {
    const values = series(side, key);
    if (values === undefined) throw new Error(`${side.name} has no ${key}`);
    return values;
  };
  const best = (key: string) => bestPerRound(kernels.map((kernel) => needed(kernel, key)));
  const optional = (values: number[] | undefined) => values && figureOf(values);
  return sides.map((side) => {
    const p50 = needed(side, "p50");
    const cpu = series(side, "cpuPerRequest");
    const ratios = Object.entries(comparison.ratios?.(side, sides, series) ?? {});
    return {
      name: side.name,
      kind: side.kind,
      connections,
      p50: figureOf(p50),
      p99: figureOf(needed(side, "p99")),
      reqPerSec: optional(series(side, "reqPerSec")),
      cpuPerRequest: optional(cpu),
      p50ToBusyKernel: figureOf(pairedRatios(p50, needed(busyKernel, "p50"))),
      p50ToBestKernel: figureOf(pairedRatios(p50, best("p50"))),
      cpuToBestKernel: optional(cpu && pairedRatios(cpu, best("cpuPerRequest"))),
      ratios: Object.fromEntries(
        ratios.flatMap(([name, pair]) => (pair ? [[name, figureOf(pairedRatios(...pair))]] : [])),
      ),
    };
  });
}

const figureOf = (samples: number[]): Figure => ({ ...quartiles(samples), samples });
