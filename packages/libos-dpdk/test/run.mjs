#!/usr/bin/env node
// Runs jest inside the test bed: a network namespace that holds both ends of a veth, dk0 for DPDK and dk1 for the kernel, and goes
// away with the last process in it. Where no bed can be made jest runs without one, and the tests that need it say why they are
// skipped; with CI=true they fail.
//
//   node test/run.mjs [jest's arguments]          --keep: the bed stays until Ctrl-C, to look at it
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { jest } from "./bed/jest.mjs";

/** Programs the bed is made with, and the Debian packages that bring them. */
const programs = { unshare: "util-linux", ip: "iproute2", ethtool: "ethtool" };

function lacking() {
  if (process.getuid?.() !== 0) return "a network namespace needs root";
  for (const [program, name] of Object.entries(programs)) {
    if (spawnSync(program, ["--version"], { stdio: "ignore" }).error) return `no ${program} here: apt install ${name}`;
  }
  const trial = spawnSync("unshare", ["--net", "ip", "link", "add", "dk0", "type", "veth", "peer", "name", "dk1"]);
  if (trial.status !== 0) return `no network namespace with a veth can be made here: ${trial.stderr}`.trim();
  return undefined;
}

const args = process.argv.slice(2);
const reason = lacking();
if (reason !== undefined) {
  process.stderr.write(`no test bed: ${reason}\n`);
  process.exit(await jest(args, { DEMI_BED_LACKS: reason }));
}

const folder = mkdtempSync(join(tmpdir(), "demi-dpdk-"));
const inside = fileURLToPath(new URL("bed/namespace.mjs", import.meta.url));
// A separate process group, so that whatever a test left running ends with it.
const bed = spawn("unshare", ["--net", process.execPath, inside, ...args], {
  // EAL keeps its run-time files below RUNTIME_DIRECTORY.
  env: { ...process.env, DEMI_BED_FOLDER: folder, RUNTIME_DIRECTORY: folder },
  stdio: ["inherit", "inherit", "inherit", "ipc"],
  detached: true,
});
let ending;
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    ending ??= signal;
    killGroup(signal);
    setTimeout(() => killGroup("SIGKILL"), 3000).unref();
  });
}
bed.on("exit", (code, signal) => {
  killGroup("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
  const number = constants.signals[ending ?? signal];
  process.exit(number === undefined ? (code ?? 1) : 128 + number);
});

function killGroup(signal) {
  try {
    process.kill(-bed.pid, signal);
  } catch {
    // All gone.
  }
}
