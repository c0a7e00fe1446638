/** What is published: packed, installed by npm into an empty project on a machine without a compiler, and run. */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { endAll, Program, packageDir, temporaryDirectory } from "./program.js";

const dir = temporaryDirectory();
const root = join(packageDir, "../..");
const project = join(dir, "project");
const PACKAGES = ["core", "libos-posix", "apps-echo"];
/** What npm and the scripts it starts need of a system; neither a compiler nor make is among them. */
const COMMANDS = ["sh", "env", "sed", "dirname", "basename", "uname", "readlink", "cat", "ls", "mkdir", "rm"];
const FORBIDDEN = ["cc", "gcc", "g++", "clang", "make", "cmake", "ninja", "python3"];

let environment: NodeJS.ProcessEnv;

function which(command: string): string | undefined {
  const found = spawnSync("sh", ["-c", `command -v ${command}`], { encoding: "utf8" }).stdout.trim();
  return found === "" ? undefined : found;
}

/** What a machine behind a proxy, or with a certificate authority of its own, needs to reach a registry. */
const REACH = /^(https?_proxy|no_proxy|node_extra_ca_certs|ssl_cert_(file|dir)|npm_config_(cache|cafile))$/i;

function run(
  command: string,
  args: string[],
  options: { cwd: string; env?: NodeJS.ProcessEnv },
): SpawnSyncReturns<string> {
  const ended = spawnSync(command, args, { encoding: "utf8", timeout: 120_000, ...options });
  if (ended.status !== 0) {
    throw new Error(
      `${command} ${args.join(" ")} ended with ${ended.status ?? ended.error}:\n${ended.stdout}\n${ended.stderr}`,
    );
  }
  return ended;
}

/** pnpm as the repository pins it, from wherever it is. */
function pnpm(args: string[], cwd: string): void {
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { packageManager: string };
  // Packing must not begin with an install into the checkout.
  const env = { ...process.env, pnpm_config_verify_deps_before_run: "false" };
  if (which("pnpm")) run("pnpm", args, { cwd, env });
  else run("npx", ["--yes", packageManager, ...args], { cwd, env });
}

/** A directory of links to node, npm and a few commands of every system: the only PATH. */
function bareSystem(): string {
  const bin = join(dir, "bin");
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, "node"));
  for (const command of ["npm", "npx", ...COMMANDS]) {
    const path = which(command);
    if (!path) throw new Error(`this test needs ${command}`);
    symlinkSync(realpathSync(path), join(bin, command));
  }
  return bin;
}

beforeAll(() => {
  const tarballs = join(dir, "tarballs");
  mkdirSync(tarballs);
  mkdirSync(project);
  for (const name of PACKAGES) pnpm(["pack", "--pack-destination", tarballs], join(root, "packages", name));
  writeFileSync(join(project, "package.json"), '{ "name": "empty", "private": true, "type": "module" }\n');
  const kept = Object.entries(process.env).filter(([name]) => REACH.test(name));
  environment = { HOME: process.env.HOME, PATH: bareSystem(), ...Object.fromEntries(kept) };
  const files = readdirSync(tarballs).map((file) => join(tarballs, file));
  expect(files).toHaveLength(PACKAGES.length);
  run("npm", ["install", "--no-audit", "--no-fund", ...files], { cwd: project, env: environment });
}, 240_000);

afterEach(endAll);

test("the machine has no compiler", () => {
  for (const command of FORBIDDEN) {
    expect(spawnSync("sh", ["-c", `command -v ${command}`], { env: environment }).status).not.toBe(0);
  }
});

test("the packages bring no sources of tests, no link to this checkout, and only what they declare", () => {
  for (const name of PACKAGES) {
    const installed = realpathSync(join(project, "node_modules/@demikernel", name));
    expect(installed.startsWith(realpathSync(project))).toBe(true);
    const manifest = readFileSync(join(installed, "package.json"), "utf8");
    expect(manifest).not.toMatch(/workspace:/);
    expect(readdirSync(installed)).not.toEqual(expect.arrayContaining(["test"]));
    expect(readdirSync(installed)).toEqual(expect.arrayContaining(["dist", "README.md"]));
  }
});

test("npx demi-echo serves nc, and its client its server", async () => {
  const server = new Program(join(dir, "bin/npx"), ["demi-echo", "server", "--port", "0"], {
    cwd: project,
    env: environment,
    bare: true,
    group: true,
  });
  const [, port] = await server.says(/listening on 127\.0\.0\.1:(\d+) \(posix/);
  const nc = await new Program("nc", ["-N", "-w", "5", "127.0.0.1", port as string], { input: "installed\n" }).exited;
  expect(nc.stdout).toBe("installed\n");
  const client = run("npx", ["demi-echo", "client", "--port", port as string, "-i", "500", "--json"], {
    cwd: project,
    env: environment,
  });
  expect(JSON.parse(client.stdout)).toMatchObject({ libos: "posix", completed: 500, mismatches: 0 });
  const ended = await server.end("SIGINT");
  expect(ended.stdout).toMatch(/left open: 0 queues, 0 outstanding/);
});

function freePort(): Promise<string> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(`${port}`));
    });
  });
}

test("the first program of core's README runs as it stands there, but for the port", async () => {
  const readme = readFileSync(join(project, "node_modules/@demikernel/core/README.md"), "utf8");
  const program = /^```(?:js|ts|javascript|mjs)\b[^\n]*\n([\s\S]*?)^```/m.exec(readme)?.[1];
  if (program === undefined) throw new Error("core's README has no JavaScript program");
  const port = await freePort();
  expect(program).toMatch(/port: \d+/);
  writeFileSync(join(project, "first.mjs"), program.replace(/port: \d+/, `port: ${port}`));
  const server = new Program(join(dir, "bin/node"), ["first.mjs"], { cwd: project, env: environment, bare: true });
  let answer = "";
  for (let tries = 0; tries < 50 && answer === ""; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    answer = (await new Program("nc", ["-N", "-w", "5", "127.0.0.1", port], { input: "twelve lines\n" }).exited).stdout;
  }
  expect({ answer, stderr: server.stderr }).toEqual({ answer: "twelve lines\n", stderr: "" });
});
