// Runs one example as a separate process, within a time, and says in words what went wrong with it.
import { spawn } from "node:child_process";
import { createConnection } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const BLOCK_MS = 120_000; // demo.sh on a slow machine; others take well under a second
const LISTEN_MS = 10_000;
const STOP_MS = 5_000;
const OUTPUT_MS = 2_000;

const running = new Set();
process.on("exit", () => {
  for (const block of running) signalAll(block, "SIGKILL");
});

/** Signals the block and what it has started: it leads a separate process group. False when nobody of it is left. */
function signalAll({ child }, signal) {
  try {
    process.kill(-child.pid, signal);
    return true;
  } catch {
    return false;
  }
}

function start(command, cwd, limit) {
  const env = { ...process.env, PATH: `${join(cwd, "node_modules", ".bin")}${delimiter}${process.env.PATH}` };
  const child = spawn(command[0], command.slice(1), { cwd, env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const block = { child, output: "", code: undefined, signal: undefined, ended: undefined };
  running.add(block);
  const keep = (chunk) => {
    block.output += chunk;
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const timer = setTimeout(() => signalAll(block, "SIGKILL"), limit);
  block.ended = new Promise((done) => {
    child.on("error", (error) => {
      keep(error.message);
      done();
    });
    child.on("exit", (code, signal) => {
      block.code = code;
      block.signal = signal;
    });
    // All output is there. It never is when something that the block started outlives it and holds the pipes.
    child.on("close", done);
    child.on("exit", () => setTimeout(done, OUTPUT_MS).unref());
  }).then(() => {
    clearTimeout(timer);
    running.delete(block);
  });
  return block;
}

/** undefined, or why the block is not as it should be. */
export async function runOnce(command, { cwd, expect }) {
  const block = start(command, cwd, BLOCK_MS);
  await block.ended;
  const left = signalAll(block, "SIGKILL");
  if (block.code !== 0) return `ended with ${block.signal ?? `status ${block.code}`}\n${block.output}`;
  if (left) return `left processes running\n${block.output}`;
  if (expect && !block.output.includes(expect)) return `expected "${expect}" in its output, got:\n${block.output}`;
  return undefined;
}

/** The same for a server, which runs while `probe` does. */
export async function runServer(command, probe, { cwd, port, expect }) {
  if (!probe) return "a server block needs a probe";
  const server = start(command, cwd, BLOCK_MS);
  const stop = async () => {
    for (const end = Date.now() + STOP_MS; signalAll(server, "SIGTERM"); await sleep(20)) {
      if (Date.now() < end) continue;
      signalAll(server, "SIGKILL");
      return `did not end within ${STOP_MS} ms of SIGTERM`;
    }
    return undefined;
  };
  try {
    if (!(await listens(port, server))) return `did not listen on port ${port}\n${server.output}`;
    const failure = await runOnce(["bash", "-euo", "pipefail", "-c", probe], { cwd, expect });
    if (failure) return `probe: ${failure}\nserver: ${server.output}`;
    if (!signalAll(server, 0)) return `ended while it was probed\n${server.output}`;
    return await stop();
  } finally {
    signalAll(server, "SIGKILL");
    await server.ended;
  }
}

async function listens(port, server) {
  for (const end = Date.now() + LISTEN_MS; Date.now() < end && signalAll(server, 0); await sleep(50)) {
    const connected = await new Promise((done) => {
      const socket = createConnection(port, "127.0.0.1", () => done(true));
      socket.on("error", () => done(false));
      socket.on("connect", () => socket.destroy());
    });
    if (connected) return true;
  }
  return false;
}
