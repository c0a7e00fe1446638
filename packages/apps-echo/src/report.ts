/** What the client measured, as an object for --json and as text. */
import type { LibOS } from "@demikernel/core";
import type { EchoClient } from "./echo-client.js";

/** Microseconds. */
export interface Latency {
  min: number;
  avg: number;
  p50: number;
  p99: number;
  p999: number;
  max: number;
}

export interface ClientReport {
  libos: string;
  engine: string;
  kind: "tcp" | "udp";
  framing: string;
  size: number;
  clients: number;
  iterations: number;
  completed: number;
  lost: number;
  late: number;
  mismatches: number;
  interrupted: boolean;
  seconds: number;
  requestsPerSecond: number;
  /** null when nothing came back. */
  latency: Latency | null;
}

type Asked = { udp?: boolean; framing: string; size: number; clients: number; iterations: number };

export function reportOf(client: EchoClient, os: LibOS, asked: Asked, interrupted: boolean): ClientReport {
  const seconds = client.elapsed() / 1000;
  const { histogram } = client.latency;
  const microseconds = (nanoseconds: number) => Math.round(nanoseconds / 10) / 100;
  return {
    libos: os.name,
    engine: os.engine,
    kind: asked.udp ? "udp" : "tcp",
    framing: asked.framing,
    size: asked.size,
    clients: asked.clients,
    iterations: asked.iterations,
    completed: client.completed,
    lost: client.lost,
    late: client.late,
    mismatches: client.mismatches,
    interrupted,
    seconds: Math.round(seconds * 1e6) / 1e6,
    requestsPerSecond: seconds > 0 ? Math.round(client.completed / seconds) : 0,
    latency:
      histogram.count === 0
        ? null
        : {
            min: microseconds(histogram.min),
            avg: microseconds(histogram.mean),
            p50: microseconds(histogram.percentile(50)),
            p99: microseconds(histogram.percentile(99)),
            p999: microseconds(histogram.percentile(99.9)),
            max: microseconds(histogram.max),
          },
  };
}

export function formatReport(report: ClientReport): string {
  const { kind, framing, size, clients, completed, iterations, lost, late, mismatches, interrupted, seconds, latency } =
    report;
  const over = `${clients} ${kind}${framing === "dmtr" ? " (dmtr)" : ""} ${clients === 1 ? "connection" : "connections"}`;
  const lines = [
    `${completed} of ${iterations} echoes of ${size} bytes over ${over}, ${report.libos} (${report.engine})` +
      (interrupted ? ", interrupted" : ""),
    `lost ${lost}, late ${late}, mismatches ${mismatches}; ${seconds.toFixed(3)} s, ${report.requestsPerSecond} requests/s`,
  ];
  if (latency) {
    const cells = [latency.min, latency.avg, latency.p50, latency.p99, latency.p999, latency.max].map((us) =>
      us.toFixed(1),
    );
    const widths = cells.map((cell) => Math.max(cell.length, 7) + 2);
    const row = (label: string, values: string[]) =>
      label.padEnd(12) + values.map((v, i) => v.padStart(widths[i])).join("");
    lines.push(row("latency", ["min", "avg", "p50", "p99", "p99.9", "max"]), row("  us", cells));
  }
  return lines.join("\n");
}
