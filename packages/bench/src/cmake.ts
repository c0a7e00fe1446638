/** A benchmark's own native programs, built when they are missing or older than what they are built from. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";

export interface CMakeProject {
  /** The folder with the CMakeLists.txt. */
  sources: string;
  /** Other folders they are built from. */
  from?: readonly string[];
  /** Where they are built. */
  build: string;
  programs: readonly string[];
  /** What an error message tells the user to run, "apt install cmake g++". */
  install: string;
  /** Default "cmake". */
  cmake?: string;
}

/** Paths of the programs, by name. Throws an Error that says what is missing. */
export function buildWithCMake(project: CMakeProject): Record<string, string> {
  const { sources, from = [], build, programs } = project;
  const paths = Object.fromEntries(programs.map((program) => [program, join(build, program)]));
  const built = Math.min(...Object.values(paths).map((path) => (existsSync(path) ? changed(path) : 0)));
  const files = [sources, ...from].flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  if (files.every((path) => changed(path) < built)) return paths;
  process.stderr.write(`building ${programs.join(", ")}\n`);
  run(project, "-S", sources, "-B", build);
  run(project, "--build", build, "--parallel", "2");
  return paths;
}

const changed = (path: string): number => statSync(path).mtimeMs;

function run({ cmake = "cmake", install }: CMakeProject, ...args: string[]): void {
  const { status, error, stdout, stderr } = spawnSync(cmake, args, { encoding: "utf8" });
  if (error) throw new Error(`${error.message} (${install})`);
  if (status !== 0) throw new Error(`${cmake} ${args.join(" ")}: ${stderr.trim() || stdout.trim()} (${install})`);
}
