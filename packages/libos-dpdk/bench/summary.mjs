/** The results as a table, as goals and as plots. */
import { atMost, boxPlot, figure, linePlot, spread, table, thousands } from "@demikernel/bench";

/** Median round trip over that of the kernel's loopback with both ends spinning. */
const PAIR_P50 = 0.5;
/** The server's CPU time per request over the better of the kernel's C servers'. */
const PAIR_CPU = 0.5;
const CPU_CONNECTIONS = 64;
/** A libOS on an interface of the kernel's, with a client of the kernel's, over the kernel alone. */
const INTERFACE_P50 = 1;

export function resultTable(rows) {
  const head = ["", "conns", "p50 us", "/ busy kernel", "p99 us", "CPU us/req", "/ best kernel", "req/s"];
  return table(
    head,
    rows.map((row) => [
      row.name,
      String(row.connections),
      spread(row.p50),
      spread(row.p50ToBusyKernel),
      figure(row.p99.median),
      row.cpuPerRequest ? spread(row.cpuPerRequest) : "",
      row.cpuToBestKernel ? spread(row.cpuToBestKernel) : "",
      row.reqPerSec ? thousands(row.reqPerSec.median) : "",
    ]),
  );
}

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
export function plots(rows, { size, rounds }) {
  const subtitle = `${size} B messages, TCP, closed loop; median and quartiles of ${rounds} rounds; points are numbers of connections`;
  const names = [...new Set(rows.map(({ name }) => name))];
  const points = (name) =>
    rows
      .filter((row) => row.name === name)
      .map(({ connections, p50: { median, q1, q3 } }) => ({ x: connections, y: median, low: q1, high: q3 }));
  const ours = rows.filter(({ kind }) => kind === "pair" || kind === "interface");
  return {
    "": linePlot(
      names.map((name) => ({ name, points: points(name) })),
      { title: "Median round trip of an echo against load", subtitle, x: "connections", y: "p50 us", yScale: "log" },
    ),
    ratio: boxPlot(
      ours.map(({ name, connections, p50ToBusyKernel }) => ({
        name: `${connections} ${name.split(", ")[1]}`,
        group: name,
        values: p50ToBusyKernel.samples,
      })),
      {
        title: "Median round trip / busy C over the kernel's loopback, same round",
        subtitle,
        x: "connections, device",
        y: "ratio: 1 is level",
        threshold: { y: PAIR_P50, name: "goal" },
        width: 260 + 110 * ours.length,
      },
    ),
  };
}
