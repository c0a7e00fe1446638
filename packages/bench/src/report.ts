/** Keeps what a benchmark found: JSON to compute with, SVG to look at, both with the circumstances of the run. */
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release, totalmem, type, version } from "node:os";
import { basename, dirname, join } from "node:path";

/** Where and how figures came about. */
export interface Circumstances {
  date: string;
  cpu: string;
  cpus: number;
  /** MiB. */
  memory: number;
  kernel: string;
  kernelBuild: string;
  node: string;
  v8: string;
  /** Over 1, 5 and 15 minutes, when asked: other work shows here. */
  load: number[];
  commandLine: string;
}

export function circumstances(): Circumstances {
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cpus: availableParallelism(),
    memory: Math.round(totalmem() / 2 ** 20),
    kernel: `${type()} ${release()}`,
    kernelBuild: version(),
    node: process.version,
    v8: process.versions.v8,
    load: loadavg().map((value) => Math.round(value * 100) / 100),
    commandLine: ["node", ...process.execArgv, basename(process.argv[1] ?? ""), ...process.argv.slice(2)].join(" "),
  };
}

/** One line for the terminal. */
export function describe(where: Circumstances): string {
  return `${where.cpus} x ${where.cpu}, ${where.kernel}, Node.js ${where.node}, load ${where.load[0]}`;
}

export interface ReportFiles {
  /** Name of the benchmark, and of its files. */
  name: string;
  results: unknown;
  /** SVG documents by name; "" is the main one. */
  plots?: Readonly<Record<string, string>>;
  /** Default bench-results/ in the working directory. */
  directory?: string;
  /** Other places for the JSON and the main plot; the other plots are beside the main one. */
  json?: string;
  svg?: string;
}

/** Writes the files, replacing those of an earlier run. Returns their paths. Throws Node's file system errors. */
export function writeReport(report: ReportFiles): string[] {
  const directory = report.directory ?? "bench-results";
  const paths: string[] = [];
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    paths.push(path);
  };
  const document = { benchmark: report.name, circumstances: circumstances(), results: report.results };
  write(report.json ?? join(directory, `${report.name}.json`), `${JSON.stringify(document, null, 2)}\n`);
  const main = report.svg ?? join(directory, `${report.name}.svg`);
  for (const [name, svg] of Object.entries(report.plots ?? {})) {
    write(name === "" ? main : `${main.replace(/\.svg$/, "")}-${name}.svg`, svg);
  }
  return paths;
}
