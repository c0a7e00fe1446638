/** Compiles the C baselines and the load generator of native/ into build/, when they are missing or older than their sources. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Failure } from "../failure.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const sources = join(root, "native");
const build = join(root, "build");

const programs = {
  load: { file: "echo_load", libraries: [] },
  epoll: { file: "echo_epoll", libraries: [] },
  uring: { file: "echo_uring", libraries: ["-luring"] },
} as const;

/** Paths of the programs; for io_uring, why there is none instead. */
export interface NativePrograms {
  load: string;
  epoll: string;
  uring: string | { missing: string };
}

/** Throws a Failure that says what to install when the load generator or the epoll server cannot be built. */
export function buildNative(): NativePrograms {
  const compiler = process.env.CC || "cc";
  if (upToDate("load") && upToDate("epoll") && upToDate("uring")) {
    return { load: target("load"), epoll: target("epoll"), uring: target("uring") };
  }
  if (spawnSync(compiler, ["--version"], { stdio: "ignore" }).status !== 0) {
    throw new Failure(
      `the benchmark's C programs need a C compiler, and "${compiler}" does not run: apt-get install gcc libc6-dev`,
    );
  }
  return { load: compile(compiler, "load"), epoll: compile(compiler, "epoll"), uring: compileUring(compiler) };
}

function compileUring(compiler: string): NativePrograms["uring"] {
  const probe = spawnSync(compiler, ["-E", "-x", "c", "-"], { input: "#include <liburing.h>\n", stdio: "pipe" });
  if (probe.status !== 0) return { missing: "liburing.h is missing: apt-get install liburing-dev (2.3 or later)" };
  try {
    return compile(compiler, "uring");
  } catch (error) {
    return { missing: `${(error as Error).message} (liburing 2.3 or later is needed: apt-get install liburing-dev)` };
  }
}

function compile(compiler: string, program: keyof typeof programs): string {
  const { file, libraries } = programs[program];
  if (upToDate(program)) return target(program);
  mkdirSync(build, { recursive: true });
  // Under a name of its own first: two benchmarks may be started at a time.
  const unfinished = `${target(program)}.${process.pid}`;
  const args = ["-std=gnu11", "-O2", "-Wall", "-o", unfinished, join(sources, `${file}.c`), ...libraries];
  const { status, error, stderr } = spawnSync(compiler, args, { encoding: "utf8" });
  if (status !== 0) {
    throw new Failure(`${compiler} cannot build native/${file}.c: ${(error?.message ?? stderr).trim()}`);
  }
  renameSync(unfinished, target(program));
  return target(program);
}

function target(program: keyof typeof programs): string {
  return join(build, programs[program].file);
}

function upToDate(program: keyof typeof programs): boolean {
  if (!existsSync(target(program))) return false;
  const built = statSync(target(program)).mtimeMs;
  return readdirSync(sources).every((name) => statSync(join(sources, name)).mtimeMs <= built);
}
