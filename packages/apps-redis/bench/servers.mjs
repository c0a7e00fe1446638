/** The servers that are compared: demi-redis and redis-server. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { Child } from "@demikernel/bench";

export const CLI = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
/** The backend is found in the package around the working directory. */
const HERE = fileURLToPath(new URL("..", import.meta.url));

export const OURS = "demi-redis";
export const REDIS = "redis-server";

/** Why there is nothing to compare with, or undefined. Debian's redis-tools has the server, as redis-check-rdb. */
export function lackingRedis() {
  const install = "apt install redis-tools";
  const { error, stdout } = spawnSync("redis-check-rdb", ["--version"], { encoding: "utf8", argv0: REDIS });
  if (error !== undefined) return `there is no redis-server: ${install}`;
  if (!/ v=7\.0\./.test(stdout)) return `redis-server is not 7.0: ${stdout.trim()}`;
  if (spawnSync("redis-benchmark", ["--version"]).error !== undefined) return `there is no redis-benchmark: ${install}`;
  return undefined;
}

/** Those that the command's first line starts Node.js with. */
function flags() {
  const [first] = readFileSync(CLI, "utf8").split("\n", 1);
  return first.split(" ").filter((word) => word.startsWith("--"));
}

/** A {@link Child} on a free port, which is its `port`, once it answers. */
export async function startOurs({ cpu, host = "127.0.0.1", cwd = HERE, libos = "posix", config, more = [] } = {}) {
  const port = await freePort();
  const where = ["--host", host, "--port", String(port), "--libos", libos];
  const args = [...flags(), CLI, "server", ...where, ...(config === undefined ? [] : ["--config", config])];
  args.push("--save", "", ...more);
  const child = new Child({ name: `${OURS} on ${libos}`, command: process.execPath, args, cpu, cwd });
  return ready(child, /ready on/, port);
}

export async function startRedis({ cpu, folder, more = [] }) {
  const port = await freePort();
  const own = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder, ...more];
  // A child's own name is not something taskset passes on.
  const args = ["-c", `exec -a ${REDIS} redis-check-rdb "$@"`, REDIS, ...own];
  const child = new Child({ name: REDIS, command: "bash", args, cpu });
  return ready(child, /Ready to accept connections/, port);
}

/** bench/native/group_commit.c. */
export async function startGroupCommit({ cpu, program, file }) {
  const port = await freePort();
  const child = new Child({ name: "group_commit", command: program, args: [String(port), file], cpu });
  return ready(child, /ready/, port);
}

/** The promise, or a rejection once it has taken that long: nothing here waits for ever for a server that hangs. */
export async function within(seconds, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} was not done after ${seconds} s`)), seconds * 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function ready(child, pattern, port) {
  try {
    await child.ready(pattern, 20_000);
  } catch (error) {
    await child.stop();
    throw error;
  }
  // Nobody else reads what it says from here on.
  return Object.assign(child, { port });
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
