#!/usr/bin/env node
// The echo of durable messages, on posix with this storage engine: `demi-echo bench --log`, with whatever options are given.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { echoApplication } from "@demikernel/bench";

const cli = echoApplication(import.meta.url).file("cli.js");
// It finds the engine in the package around its working directory.
const cwd = fileURLToPath(new URL("..", import.meta.url));
const child = spawn(process.execPath, [cli, "bench", "--log", ...process.argv.slice(2)], { cwd, stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("close", (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 130);
});
