/** Compiles the C baselines and the load generator of native/ into build/, when they are missing or older than their sources. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Failure } from "../failure.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const sources = join(root, "native");

const programs = {
  load: { file: "echo_load", libraries: [] },
  epoll: { file: "echo_epoll", libraries: [] },
  uring: { file: "echo_uring", libraries: ["-luring"] },
} as const;
type Program = keyof typeof programs;

/** Paths of the programs; for io_uring, instead of a path, why there is no program. */
export interface NativePrograms {
  load: string;
  epoll: string;
  uring: string | { missing: string };
}

/** Throws a Failure that says what to install when the load generator or the epoll server cannot be built. */
export function buildNative(build = join(root, "build"), compiler = process.env.CC || "cc"): NativePrograms {
  const target = (program: Program): string => join(build, programs[program].file);
  const load = target("load");
  const epoll = target("epoll");
  const uring = target("uring");
  if ([load, epoll, uring].every(upToDate)) return { load, epoll, uring };
  if (spawnSync(compiler, ["--version"], { stdio: "ignore" }).status !== 0) {
    throw new Failure(
      `the benchmark's C programs need a C compiler, and "${compiler}" does not run: apt-get install gcc libc6-dev`,
    );
  }
  try {
    mkdirSync(build, { recursive: true });
  } catch (error) {
    throw new Failure(`the benchmark's C programs need a place: ${(error as Error).message}`);
  }
  compile(compiler, "load", load);
  compile(compiler, "epoll", epoll);
  return { load, epoll, uring: compileUring(compiler, uring) };
}

function compileUring(compiler: string, target: string): NativePrograms["uring"] {
  const probe = spawnSync(compiler, ["-E", "-x", "c", "-"], { input: "#include <liburing.h>\n", stdio: "pipe" });
  if (probe.status !== 0) return { missing: "liburing.h is missing: apt-get install liburing-dev (2.3 or later)" };
  try {
    compile(compiler, "uring", target);
    return target;
  } catch (error) {
    return { missing: `${(error as Error).message} (liburing 2.3 or later is needed: apt-get install liburing-dev)` };
  }
}

function compile(compiler: string, program: Program, target: string): void {
  const { file, libraries } = programs[program];
  if (upToDate(target)) return;
  // Under a unique name first: two benchmarks may be started at a time.
  const unfinished = `${target}.${process.pid}`;
  const args = ["-std=gnu11", "-O2", "-Wall", "-o", unfinished, join(sources, `${file}.c`), ...libraries];
  const { status, error, stderr } = spawnSync(compiler, args, { encoding: "utf8" });
  if (status !== 0) {
    throw new Failure(`${compiler} cannot build native/${file}.c: ${(error?.message ?? stderr).trim()}`);
  }
  renameSync(unfinished, target);
}

function upToDate(target: string): boolean {
  if (!existsSync(target)) return false;
  const built = statSync(target).mtimeMs;
  return readdirSync(sources).every((name) => statSync(join(sources, name)).mtimeMs <= built);
}
