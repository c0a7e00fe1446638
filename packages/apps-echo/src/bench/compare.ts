/** Compares servers at one load: interleaved rounds, then medians and paired ratios. */
import {
  bestPerRound,
  Histogram,
  interleave,
  type LatencySummary,
  pairedRatios,
  type Quartiles,
  quartiles,
} from "@demikernel/bench";
import type { Fleet } from "./fleet.js";
import type { Load, Sample } from "./load.js";
import type { Server } from "./servers.js";

/** What is said of a server relative to others in the same rounds. Undefined where the others did not take part. */
export interface Ratios {
  /** This one / the best C server of the round: 1 is level, more is worse. */
  toBestC?: Quartiles & { samples: number[] };
  /** node:net / this one: more is better. */
  nodeNetTo?: Quartiles & { samples: number[] };
}

export interface Row {
  server: string;
  side: Server["side"];
  connections: number;
  /** Microseconds of the server's CPU time. */
  cpuPerRequest: Quartiles & { samples: number[] };
  cpuRatios: Ratios;
  /** Microseconds, of the rounds' medians. */
  p50: Quartiles & { samples: number[] };
  p50Ratios: Ratios;
  reqPerSec: Quartiles & { samples: number[] };
  /** Over the requests of all rounds, microseconds. */
  latency: LatencySummary;
}

export interface Comparison {
  connections: number;
  seed: number;
  rows: Row[];
}

export async function compare(
  fleet: Fleet,
  servers: readonly Server[],
  load: Load,
  options: { rounds: number; seed?: number; onMeasure: (name: string, round: number) => void },
): Promise<Comparison> {
  const candidates = servers.map((server) => ({ name: server.name, measure: () => fleet.measure(server, load) }));
  const { seed, samples } = await interleave(candidates, options);
  const of = (side: Server["side"], value: (sample: Sample) => number): number[][] =>
    servers.filter((server) => server.side === side).map(({ name }) => (samples.get(name) ?? []).map(value));
  const ratios = (own: number[], value: (sample: Sample) => number): Ratios => {
    const c = of("C", value);
    const node = of("node:net", value)[0];
    return {
      toBestC: c.length > 0 ? withQuartiles(pairedRatios(own, bestPerRound(c))) : undefined,
      nodeNetTo: node !== undefined ? withQuartiles(pairedRatios(node, own)) : undefined,
    };
  };
  const rows = servers.map(({ name, side }): Row => {
    const own = samples.get(name) ?? [];
    const cpu = own.map((sample) => sample.cpuPerRequest);
    const p50 = own.map((sample) => sample.p50);
    const pooled = new Histogram();
    for (const sample of own) pooled.add(Histogram.from(sample.buckets));
    return {
      server: name,
      side,
      connections: load.connections,
      cpuPerRequest: withQuartiles(cpu),
      cpuRatios: ratios(cpu, (sample) => sample.cpuPerRequest),
      p50: withQuartiles(p50),
      p50Ratios: ratios(p50, (sample) => sample.p50),
      reqPerSec: withQuartiles(own.map((sample) => sample.reqPerSec)),
      latency: pooled.summary(),
    };
  });
  return { connections: load.connections, seed, rows };
}

function withQuartiles(samples: number[]): Quartiles & { samples: number[] } {
  return { ...quartiles(samples), samples };
}
