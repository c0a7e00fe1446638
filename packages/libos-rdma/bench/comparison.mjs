/** Rounds over all sides at one number of connections, and what they say: medians, and ratios of the same round. */
import { bestPerRound, interleave, pairedRatios, quartiles } from "@demikernel/bench";

export async function compare(sides, load, { rounds, seed, onMeasure }) {
  const candidates = sides.map((side) => ({ name: side.name, measure: () => side.measure(load) }));
  const { samples } = await interleave(candidates, { rounds, seed, onMeasure });
  const of = (side, key) => samples.get(side.name).map((sample) => sample[key]);
  const kernels = sides.filter(({ kind }) => kind === "kernel");
  const busyKernel = kernels.find(({ busy }) => busy);
  const bestCpu = bestPerRound(kernels.map((kernel) => of(kernel, "cpuPerRequest")));
  return sides.map((side) => {
    const bare = sides.find(({ kind, provider }) => kind === "bare" && provider === side.provider);
    const toBare = (key) =>
      side.kind === "ours" && bare ? summary(pairedRatios(of(side, key), of(bare, key))) : undefined;
    return {
      name: side.name,
      kind: side.kind,
      provider: side.provider,
      connections: load.connections,
      p50: summary(of(side, "p50")),
      p99: summary(of(side, "p99")),
      reqPerSec: summary(of(side, "reqPerSec")),
      cpuPerRequest: summary(of(side, "cpuPerRequest")),
      /** Against the kernel's loopback between two ends that spin. */
      p50ToBusyKernel: summary(pairedRatios(of(side, "p50"), of(busyKernel, "p50"))),
      /** Against the better of the kernel's two. */
      cpuToBestKernel: summary(pairedRatios(of(side, "cpuPerRequest"), bestCpu)),
      /** Ours only: against libfabric alone over the same provider. */
      p50ToBare: toBare("p50"),
      cpuToBare: toBare("cpuPerRequest"),
    };
  });
}

const summary = (samples) => ({ ...quartiles(samples), samples });
