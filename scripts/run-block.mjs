// Runs one example as a process of its own, within a time, and says in words what went wrong with it.
import { spawn } from "node:child_process";
import { createConnection } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const BLOCK_MS = 120_000; // demo.sh on a slow machine; others take well under a second
const LISTEN_MS = 10_000;
const STOP_MS = 5_000;

const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

function start(command, cwd, limit) {
  const env = { ...process.env, PATH: `${join(cwd, "node_modules", ".bin")}${delimiter}${process.env.PATH}` };
  const child = spawn(command[0], command.slice(1), { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
  running.add(child);
  const block = { child, output: "", code: undefined, signal: undefined, ended: undefined };
  const keep = (chunk) => {
    block.output += chunk;
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const timer = setTimeout(() => child.kill("SIGKILL"), limit);
  block.ended = new Promise((done) => {
    child.on("error", (error) => {
      keep(error.message);
      done();
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      running.delete(child);
      block.code = code;
      block.signal = signal;
      done();
    });
  });
  return block;
}

/** undefined, or why the block is not as it should be. */
export async function runOnce(command, { cwd, expect }) {
  const block = start(command, cwd, BLOCK_MS);
  await block.ended;
  if (block.code !== 0) return `ended with ${block.signal ?? `status ${block.code}`}\n${block.output}`;
  if (expect && !block.output.includes(expect)) return `expected "${expect}" in its output, got:\n${block.output}`;
  return undefined;
}

/** The same for a server, which runs while `probe` does. */
export async function runServer(command, probe, { cwd, port, expect }) {
  if (!probe) return "a server block needs a probe";
  const server = start(command, cwd, BLOCK_MS);
  try {
    if (!(await listens(port, server))) return `did not listen on port ${port}\n${server.output}`;
    const failure = await runOnce(["bash", "-euo", "pipefail", "-c", probe], { cwd, expect });
    if (failure) return `probe: ${failure}\nserver: ${server.output}`;
    if (server.code !== undefined || server.signal) return `ended while it was probed\n${server.output}`;
  } finally {
    server.child.kill("SIGTERM");
    const stopped = await Promise.race([server.ended.then(() => true), sleep(STOP_MS, false, { ref: false })]);
    if (!stopped) server.child.kill("SIGKILL");
    await server.ended;
  }
  if (server.signal === "SIGKILL") return `did not end within ${STOP_MS} ms of SIGTERM`;
  return undefined;
}

async function listens(port, server) {
  for (
    const end = Date.now() + LISTEN_MS;
    Date.now() < end && server.code === undefined && server.signal === undefined;
    await sleep(50)
  ) {
    const connected = await new Promise((done) => {
      const socket = createConnection(port, "127.0.0.1", () => done(true));
      socket.on("error", () => done(false));
      socket.on("connect", () => socket.destroy());
    });
    if (connected) return true;
  }
  return false;
}
