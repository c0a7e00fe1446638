import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { report, reported } from "../../../../scripts/test/report.mjs";

const packageDir = fileURLToPath(new URL("../..", import.meta.url));
const program = join(dirname(createRequire(import.meta.url).resolve("jest/package.json")), "bin/jest.js");

/**
 * net_memif of DPDK 22.11 can end a process when the other side of the socket vanishes (LIMITS.md): EAL's interrupt thread panics over a
 * descriptor that was closed under it. Where that takes the tests' own process along, they have said nothing of us.
 */
const PANIC = /PANIC in eal_intr_thread_main/;
const ENDED = /jest worker process .* was terminated by another process: signal=SIGABRT/;

/**
 * Runs jest on this package with more in its environment; its exit code. If a DPDK panic has ended the process of a test file, that
 * file runs once more.
 */
export async function jest(args, environment) {
  const folder = mkdtempSync(join(tmpdir(), "demi-dpdk-jest-"));
  try {
    const [first, again] = [join(folder, "first"), join(folder, "again")];
    const { code, said } = await once(args, environment, first);
    const tests = reported(first);
    const lost = tests.filter(
      ({ status, name, reason }) => status === "failed" && name.startsWith("test/") && ENDED.test(reason),
    );
    if (lost.length === 0 || !PANIC.test(said)) {
      report(tests);
      return code;
    }
    const files = lost.map(({ name }) => name);
    process.stderr.write(
      `DPDK's interrupt thread ended the process of a test file (LIMITS.md, net_memif): once more ${files.join(", ")}\n`,
    );
    const second = await once(["--runTestsByPath", ...files], environment, again);
    const rest = tests.filter((test) => !lost.includes(test));
    report([...rest, ...reported(again)]);
    return rest.some(({ status }) => status === "failed") ? 1 : second.code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function once(args, environment, file) {
  const child = spawn(process.execPath, ["--experimental-vm-modules", program, ...args], {
    cwd: packageDir,
    env: { ...process.env, ...environment, DEMI_REPORT: file },
    stdio: ["inherit", "inherit", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (data) => {
    process.stderr.write(data);
    // Jest says all of it again at the end; so much reaches back to the panic.
    said = (said + data).slice(-(1 << 22));
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code: code ?? 1, said })));
}
