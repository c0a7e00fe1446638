/** What a comparison has to say: the lines above it, a table, plots, goals, and the files they are kept in. */
import type { Row } from "./comparison.js";
import { type Goal, goalLine } from "./goals.js";
import type { ComparisonOptions } from "./options.js";
import type { Placement } from "./pin.js";
import { boxPlot, linePlot } from "./plot.js";
import { circumstances, describe, writeReport } from "./report.js";
import { figure, spread, table, thousands } from "./table.js";

/** Something that was not measured, and why. */
export interface LeftOut {
  name: string;
  reason: string;
}

/** Where and how everything is measured, as lines for the terminal. */
export function comparisonHead(options: ComparisonOptions, { note }: Placement): string {
  const { rounds, seconds, size, seed, realtime } = options;
  return [
    describe(circumstances()),
    `${note}; ${rounds} rounds of ${seconds} s, ${size} B, seed ${seed}`,
    `measured at ${realtime ? "real-time" : "normal"} priority`,
  ].join("\n");
}

/** `ratios`: columns that the comparison adds, by their heads: the names of ratios. */
export function comparisonTable(rows: readonly Row[], ratios: Readonly<Record<string, string>> = {}): string {
  const head = ["p99 us", "CPU us/req", "/ best kernel", "req/s"];
  const own = Object.values(ratios);
  return table(
    ["", "conns", "p50 us", "/ busy kernel", ...Object.keys(ratios), ...head],
    rows.map((row) => [
      row.name,
      String(row.connections),
      spread(row.p50),
      spread(row.p50ToBusyKernel),
      ...own.map((name) => (row.ratios[name] ? spread(row.ratios[name]) : "")),
      figure(row.p99.median),
      row.cpuPerRequest ? spread(row.cpuPerRequest) : "",
      row.cpuToBestKernel ? spread(row.cpuToBestKernel) : "",
      row.reqPerSec ? thousands(row.reqPerSec.median) : "",
    ]),
  );
}

/** Round trips against the number of connections, of all sides. `subtitle`: {@link comparisonSubtitle}. */
export function latencyPlot(rows: readonly Row[], subtitle: string): string {
  const names = [...new Set(rows.map(({ name }) => name))];
  const points = (name: string) =>
    rows
      .filter((row) => row.name === name)
      .map(({ connections, p50: { median, q1, q3 } }) => ({ x: connections, y: median, low: q1, high: q3 }));
  return linePlot(
    names.map((name) => ({ name, points: points(name) })),
    { title: "Median round trip of an echo against load", subtitle, x: "connections", y: "p50 us", yScale: "log" },
  );
}

/** A ratio of each round, by side and number of connections. */
export interface RatioBoxes {
  title: string;
  subtitle: string;
  x: string;
  goal: number;
  boxes: readonly { name: string; group: string; values: readonly number[] }[];
}

export function ratioPlot({ title, subtitle, x, goal, boxes }: RatioBoxes): string {
  return boxPlot(
    boxes.map((box) => ({ ...box, values: [...box.values] })),
    {
      title,
      subtitle,
      x,
      y: "ratio: 1 is level",
      threshold: { y: goal, name: "goal" },
      width: 260 + 110 * boxes.length,
    },
  );
}

export function comparisonSubtitle({ size, rounds }: ComparisonOptions, kind: string): string {
  return `${size} B messages, ${kind}; median and quartiles of ${rounds} rounds; points are numbers of connections`;
}

/** Prints goals and what was left out, and writes the results. */
export function finishComparison(
  options: ComparisonOptions,
  results: { goals: readonly Goal[]; leftOut: readonly LeftOut[]; [more: string]: unknown },
  plots: Readonly<Record<string, string>>,
): void {
  for (const goal of results.goals) console.log(goalLine(goal));
  for (const { name, reason } of results.leftOut) console.log(`LEFT OUT: ${name}: ${reason}`);
  const { json, svg } = options;
  for (const path of writeReport({ name: "echo", results: { options, ...results }, plots, json, svg })) {
    console.log(`wrote ${path}`);
  }
}
