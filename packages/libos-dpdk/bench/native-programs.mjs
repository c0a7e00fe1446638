/** Builds the benchmark's own programs, bench/native, with CMake, when one is missing or older than what it is built from. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const sources = fileURLToPath(new URL("native", import.meta.url));
const backend = fileURLToPath(new URL("../native", import.meta.url));
const build = fileURLToPath(new URL("../build/bench", import.meta.url));

/** Their paths: frames, the bare port, and stack, the port with the stack. Throws an Error that says what is missing. */
export function buildNativePrograms() {
  const programs = { frames: join(build, "frame_round_trip"), stack: join(build, "stack_echo") };
  const built = Math.min(...Object.values(programs).map((path) => (existsSync(path) ? changed(path) : 0)));
  const files = [sources, backend].flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)));
  if (files.every((path) => changed(path) < built)) return programs;
  process.stderr.write("building bench/native\n");
  run("cmake", "-S", sources, "-B", build);
  run("cmake", "--build", build, "--parallel", "2");
  return programs;
}

const changed = (path) => statSync(path).mtimeMs;

function run(program, ...args) {
  const { status, error, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (error) throw new Error(`${error.message} (apt install cmake g++ pkg-config libdpdk-dev liblwip-dev)`);
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr.trim()}`);
}
