/** The results as tables, plot and goals. */
import { atLeast, atMost, boxPlot, figure, spread, table, thousands } from "@demikernel/bench";
import { NODE } from "./posix.mjs";

const LEVEL = 1;
const VIRTIO = 1.5;

export function posixTable(rows) {
  return table(
    [
      "application, connections",
      "over",
      "CPU us a request or MiB",
      "/ node",
      "requests or MiB/s",
      "/ node",
      "p50 ms",
      "/ node",
      "p99 ms",
      "/ node",
    ],
    rows.map((row) => {
      const ratio = (values) => (row.name === NODE || values === undefined ? "" : spread(values));
      const time = (values) => (values === undefined ? "" : figure(values.median));
      return [
        row.workload,
        row.name,
        spread(row.cpu),
        ratio(row.cpuToNode),
        row.isStream ? figure(row.rps.median) : thousands(row.rps.median),
        ratio(row.rpsToNode),
        time(row.p50),
        ratio(row.p50ToNode),
        time(row.p99),
        ratio(row.p99ToNode),
      ];
    }),
  );
}

export function judgePosix(rows) {
  return rows
    .filter(({ name }) => name !== NODE)
    .flatMap(({ workload, goal, cpuToNode, p50ToNode, p99ToNode }) => [
      atMost(`${workload}: CPU / node`, cpuToNode.median, goal),
      ...(p50ToNode === undefined ? [] : [atMost(`${workload}: p50 / node`, p50ToNode.median, LEVEL)]),
      ...(p99ToNode === undefined ? [] : [atMost(`${workload}: p99 / node`, p99ToNode.median, LEVEL)]),
    ]);
}

export function posixPlot(rows, { rounds }) {
  const boxes = rows
    .filter(({ name }) => name !== NODE)
    .map(({ workload, cpuToNode }) => ({ name: workload, group: "posix", values: cpuToNode.samples }));
  return boxPlot(boxes, {
    title: "CPU of applications over @demikernel/net on posix, of node:net's",
    subtitle: `quartiles of ${rounds} rounds`,
    x: "application, connections",
    y: "ratio: 1 is level",
    threshold: { y: LEVEL, name: "level" },
    width: 260 + 130 * boxes.length,
  });
}

export function backendsTable(rows) {
  return table(
    ["http hello, connections", "both ends over", "requests/s", "/ node", "p50 ms", "p99 ms"],
    rows.map(({ connections, name, rps, rpsToNode, p50, p99 }) => [
      String(connections),
      name,
      thousands(rps.median),
      name === NODE ? "" : spread(rpsToNode),
      figure(p50.median),
      figure(p99.median),
    ]),
  );
}

export function judgeBackends(rows) {
  return rows
    .filter(({ name }) => name !== NODE)
    .map(({ connections, name, rpsToNode }) =>
      atLeast(`http hello over ${name}, ${connections}: requests/s / node over loopback`, rpsToNode.median, VIRTIO),
    );
}
