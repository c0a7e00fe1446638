/** What the runner says of one subject. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const RUNNER = fileURLToPath(new URL("./runner.mjs", import.meta.url));

export interface Result {
  name: string;
  status: "passed" | "failed" | "skipped";
  /** What is compared with node:net's. */
  result?: unknown;
  error?: string;
  ms?: number;
}

export interface Results {
  byName: Map<string, Result>;
  /** How the runner ended, and what it complained of. */
  exit: { code: number | null; signal: string | null; stderr: string };
}

/** Runs all cases against the subject. */
export async function run(subject: string): Promise<Results> {
  const child = spawn(process.execPath, ["--no-warnings", RUNNER, subject], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const exit = await new Promise<Results["exit"]>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, stderr }));
  });
  const lines = stdout.split("\n").filter((line) => line !== "");
  return {
    byName: new Map(lines.map((line) => JSON.parse(line) as Result).map((result) => [result.name, result])),
    exit,
  };
}
