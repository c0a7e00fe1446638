import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const packageDir = fileURLToPath(new URL("../..", import.meta.url));
const program = join(dirname(createRequire(import.meta.url).resolve("jest/package.json")), "bin/jest.js");

/**
 * net_memif of DPDK 22.11 can end a process when the other side of the socket vanishes (LIMITS.md): EAL's interrupt thread panics over a
 * descriptor that was closed under it. Where that takes the tests' own process along, they have said nothing of us.
 */
const PANIC = /PANIC in eal_intr_thread_main/;
const ENDED = /jest worker process .* was terminated by another process: signal=SIGABRT/;

/** Runs jest on this package with more in its environment; its exit code. After a panic of DPDK's in its own process once more. */
export async function jest(args, environment) {
  const { code, said } = await once(args, environment);
  if (code === 0 || !PANIC.test(said) || !ENDED.test(said)) return code;
  process.stderr.write(
    "DPDK's interrupt thread ended the process of the tests (LIMITS.md, net_memif): all of them again\n",
  );
  return (await once(args, environment)).code;
}

function once(args, environment) {
  const child = spawn(process.execPath, ["--experimental-vm-modules", program, ...args], {
    cwd: packageDir,
    env: { ...process.env, ...environment },
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
