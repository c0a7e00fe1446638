/** Rounds over all sides at one number of connections, and what they say: medians, and ratios of the same round. */
import { bestPerRound, interleave, pairedRatios, quartiles } from "@demikernel/bench";

export async function compare(sides, load, { rounds, seed, onMeasure }) {
  const candidates = sides.map((side) => ({ name: side.name, measure: () => side.measure(load) }));
  const { samples } = await interleave(candidates, { rounds, seed, onMeasure });
  const of = (side, key) => samples.get(side.name).map((sample) => sample[key]);
  // A bare port has no requests per second to speak of: one frame at a time.
  const optional = (side, key) => (of(side, key).includes(undefined) ? undefined : summary(of(side, key)));
  const kernels = sides.filter(({ kind }) => kind === "kernel");
  const busyKernel = kernels.find(({ busy }) => busy);
  return sides.map((side) => {
    const p50 = of(side, "p50");
    const cpu = of(side, "cpuPerRequest");
    const counted = !cpu.includes(undefined);
    const kernelCpu = bestPerRound(kernels.map((kernel) => of(kernel, "cpuPerRequest")));
    return {
      name: side.name,
      kind: side.kind,
      connections: load.connections,
      p50: summary(p50),
      p99: summary(of(side, "p99")),
      reqPerSec: optional(side, "reqPerSec"),
      cpuPerRequest: optional(side, "cpuPerRequest"),
      /** Against the kernel's loopback between two ends that spin. */
      p50ToBusyKernel: summary(pairedRatios(p50, of(busyKernel, "p50"))),
      p50ToBestKernel: summary(pairedRatios(p50, bestPerRound(kernels.map((kernel) => of(kernel, "p50"))))),
      /** Against the better of the kernel's two. */
      cpuToBestKernel: counted ? summary(pairedRatios(cpu, kernelCpu)) : undefined,
    };
  });
}

const summary = (samples) => ({ ...quartiles(samples), samples });
