/** The comparisons as tables for the terminal and plots for the eye. */
import { boxPlot, figure, linePlot, spread, table, thousands } from "@demikernel/bench";
import type { Comparison, Row } from "./compare.js";

/** CPU per request, beside latency and throughput, at each number of connections. */
export function cpuTable(comparisons: readonly Comparison[]): string {
  const head = ["server", "conns", "CPU us/req", "/ best C", "node:net /", "p50 us", "p99 us", "p99.9 us", "req/s"];
  const rows = comparisons.flatMap(({ rows }) => rows);
  return table(
    head,
    rows.map((row) => [
      row.server,
      String(row.connections),
      spread(row.cpuPerRequest),
      row.cpuRatios.toBestC ? spread(row.cpuRatios.toBestC) : "",
      row.cpuRatios.nodeNetTo && row.side !== "node:net" ? spread(row.cpuRatios.nodeNetTo) : "",
      figure(row.p50.median),
      figure(row.latency.p99),
      figure(row.latency.p999),
      thousands(row.reqPerSec.median),
    ]),
  );
}

/** Latency of one connection when the servers spin. */
export function busyTable({ rows }: Comparison): string {
  const head = ["server (1 connection)", "p50 us", "/ best busy C", "node:net /", "p99 us", "p99.9 us", "req/s"];
  return table(
    head,
    rows.map((row) => [
      row.server,
      spread(row.p50),
      row.p50Ratios.toBestC ? spread(row.p50Ratios.toBestC) : "",
      row.p50Ratios.nodeNetTo && row.side !== "node:net" ? spread(row.p50Ratios.nodeNetTo) : "",
      figure(row.latency.p99),
      figure(row.latency.p999),
      thousands(row.reqPerSec.median),
    ]),
  );
}

/** SVG documents by name; "" is the main one. Only those for which there are rows. */
export function plots(
  comparisons: readonly Comparison[],
  busy: Comparison | undefined,
  said: { size: number; rounds: number; over: string },
): Record<string, string> {
  const drawn: Record<string, string> = {};
  const rows = comparisons.flatMap((comparison) => comparison.rows);
  const subtitle = `${said.size} B messages, TCP over ${said.over}; median and quartiles of ${said.rounds} rounds`;
  if (rows.length > 0) {
    drawn[""] = linePlot(
      [...new Set(rows.map((row) => row.server))].map((name) => ({ name, points: cpuPoints(rows, name) })),
      {
        title: "CPU time of the echo server per request",
        subtitle,
        x: "connections",
        y: "CPU us per request",
        yScale: "log",
      },
    );
  }
  const compared = rows.filter((row) => row.side === "ours" && row.cpuRatios.toBestC !== undefined);
  if (compared.length > 0) {
    drawn.ratio = boxPlot(
      compared.map((row) => ({
        name: `${row.connections} ${row.server.replace("demi-echo ", "")}`,
        group: row.server,
        values: row.cpuRatios.toBestC?.samples ?? [],
      })),
      {
        title: "CPU per request: ours / best C of the round",
        subtitle,
        x: "connections, engine",
        y: "ratio: 1 is level",
        threshold: { y: 1, name: "best C" },
        width: 260 + 110 * compared.length,
      },
    );
  }
  if (busy !== undefined && busy.rows.length > 0) {
    drawn.busy = boxPlot(
      busy.rows.map((row) => ({ name: row.server, values: row.p50.samples })),
      {
        title: "Median latency of one connection, servers spinning",
        subtitle,
        x: "server",
        y: "p50 us",
        width: 120 + 170 * busy.rows.length,
      },
    );
  }
  return drawn;
}

function cpuPoints(rows: readonly Row[], server: string): { x: number; y: number; low: number; high: number }[] {
  return rows
    .filter((row) => row.server === server)
    .map(({ connections, cpuPerRequest: { median, q1, q3 } }) => ({ x: connections, y: median, low: q1, high: q3 }));
}
