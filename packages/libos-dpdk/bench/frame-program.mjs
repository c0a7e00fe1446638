/** Builds bench/native/frame_round_trip.cc with CMake, when it is missing or older than its source. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const sources = fileURLToPath(new URL("native", import.meta.url));
const build = fileURLToPath(new URL("../build/bench", import.meta.url));

/** Its path. Throws an Error that says what is missing. */
export function buildFrameProgram() {
  const program = join(build, "frame_round_trip");
  const age = existsSync(program) ? statSync(program).mtimeMs : 0;
  if (readdirSync(sources).every((name) => statSync(join(sources, name)).mtimeMs < age)) return program;
  run("cmake", "-S", sources, "-B", build);
  run("cmake", "--build", build);
  return program;
}

function run(program, ...args) {
  const { status, error, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (error) throw new Error(`${error.message} (apt install cmake g++ pkg-config libdpdk-dev)`);
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr.trim()}`);
}
