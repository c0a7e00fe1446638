/** Programs that say a line of JSON of each of their cases (libraries/run.mjs, faults/run.mjs), run to their end. */
import { type SpawnOptions, spawn } from "node:child_process";

/** What is said of a case, and at the end. */
export interface Line {
  name?: string;
  error?: string;
  skipped?: string;
  left?: string[];
  operations?: number;
  ms?: number;
  /** Of the last one. */
  last?: boolean;
  /** What a connection takes, where that is measured. */
  bytes?: number;
  resident?: number;
}

export interface Ended {
  code: number | null;
  signal: string | null;
  lines: Line[];
  errors: string;
}

/** Who does not end by itself within `limit` milliseconds is ended, which is a failure. */
export function linesOf(command: string, args: string[], limit: number, options: SpawnOptions = {}): Promise<Ended> {
  const env = { ...process.env, LIBOS: "posix" };
  const child = spawn(command, args, { ...options, env, stdio: ["ignore", "pipe", "pipe"] });
  const timer = setTimeout(() => child.kill("SIGKILL"), limit);
  let [output, errors] = ["", ""];
  child.stdout?.on("data", (text) => {
    output += text;
  });
  child.stderr?.on("data", (text) => {
    errors += text;
  });
  return new Promise((resolve) => {
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      const lines = output.split("\n").filter((line) => line !== "");
      resolve({ code, signal, lines: lines.map((line) => JSON.parse(line) as Line), errors });
    });
  });
}
