#!/usr/bin/env node
// The echo benchmark of this backend: demi-echo over DPDK beside C on the kernel's loopback, in one run. Where a network namespace can
// be made, everything runs in a new one, with an interface to the kernel in it.
//
//   node bench/echo.mjs [options]         --help lists them
//   node bench/echo.mjs loss [options]    what lost frames cost, instead
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

function whyNoNamespace() {
  if (process.getuid?.() !== 0) return "a network namespace needs root";
  const trial = spawnSync("unshare", ["--net", "ip", "link", "add", "dk0", "type", "veth", "peer", "name", "dk1"]);
  if (trial.error) return `${trial.error.message} (apt install util-linux iproute2 ethtool)`;
  return trial.status === 0 ? undefined : String(trial.stderr).trim();
}

const reason = whyNoNamespace();
const folder = mkdtempSync(join(tmpdir(), "demi-dpdk-bench-"));
const given = process.argv.slice(2);
const [file, options] = given[0] === "loss" ? ["loss-run.mjs", given.slice(1)] : ["run.mjs", given];
const program = [process.execPath, fileURLToPath(new URL(file, import.meta.url)), ...options];
const [command, ...args] = reason === undefined ? ["unshare", "--net", ...program] : program;
// A separate process group, so that halted servers also end with it.
const child = spawn(command, args, {
  // EAL keeps its run-time files below RUNTIME_DIRECTORY.
  env: { ...process.env, RUNTIME_DIRECTORY: folder, DEMI_BENCH_FOLDER: folder, DEMI_BENCH_LACKS: reason ?? "" },
  stdio: ["ignore", "inherit", "inherit"],
  detached: true,
});
let ending;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    ending = signal;
    killGroup();
  });
}
child.on("exit", (code, signal) => {
  killGroup();
  rmSync(folder, { recursive: true, force: true });
  const number = constants.signals[ending ?? signal];
  process.exitCode = number === undefined ? (code ?? 1) : 128 + number;
});

function killGroup() {
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // All gone.
  }
}
