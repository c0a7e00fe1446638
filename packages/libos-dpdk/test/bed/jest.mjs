import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const packageDir = fileURLToPath(new URL("../..", import.meta.url));
const program = join(dirname(createRequire(import.meta.url).resolve("jest/package.json")), "bin/jest.js");

/** Runs jest on this package with more in its environment; its exit code. */
export function jest(args, environment) {
  const child = spawn(process.execPath, ["--experimental-vm-modules", program, ...args], {
    cwd: packageDir,
    env: { ...process.env, ...environment },
    stdio: "inherit",
  });
  return new Promise((resolve) => child.on("exit", (code) => resolve(code ?? 1)));
}
