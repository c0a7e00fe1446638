/** The results as goals and as plots. */
import { atMost, comparisonSubtitle, latencyPlot, ratioPlot } from "@demikernel/bench";

/** Median round trip over that of the kernel's loopback with both ends spinning. */
const PAIR_P50 = 0.5;
/** The server's CPU time per request over the better of the kernel's C servers'. */
const PAIR_CPU = 0.5;
const CPU_CONNECTIONS = 64;
/** A libOS on an interface of the kernel's, with a client of the kernel's, over the kernel alone. */
const INTERFACE_P50 = 1;

export function judge(rows) {
  return rows.flatMap(({ name, kind, connections, p50ToBusyKernel, cpuToBestKernel }) => {
    const where = `${name}, ${connections} connections`;
    const latency = (limit) => atMost(`${where}: p50 / busy C over loopback`, p50ToBusyKernel.median, limit);
    if (kind === "interface") return [latency(INTERFACE_P50)];
    if (kind !== "pair") return [];
    if (connections !== CPU_CONNECTIONS) return [latency(PAIR_P50)];
    const cpu = atMost(`${where}: CPU per request / better C over loopback`, cpuToBestKernel.median, PAIR_CPU);
    return [latency(PAIR_P50), cpu];
  });
}

/** SVG documents by name; "" is the main one: latency against load. */
export function plots(rows, options) {
  const subtitle = comparisonSubtitle(options, "TCP, closed loop");
  const ours = rows.filter(({ kind }) => kind === "pair" || kind === "interface");
  return {
    "": latencyPlot(rows, subtitle),
    ratio: ratioPlot({
      title: "Median round trip / busy C over the kernel's loopback, same round",
      subtitle,
      x: "connections, device",
      goal: PAIR_P50,
      boxes: ours.map(({ name, connections, p50ToBusyKernel }) => ({
        name: `${connections} ${name.split(", ")[1]}`,
        group: name,
        values: p50ToBusyKernel.samples,
      })),
    }),
  };
}
