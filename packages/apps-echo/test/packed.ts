/** The packages as they are published: packed, and installed by npm on a system that has no compiler. */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { packageDir } from "./program.js";

const root = join(packageDir, "../..");
/** What npm and the scripts it starts need of a system; neither a compiler nor make is among them. */
const COMMANDS = ["sh", "env", "sed", "dirname", "basename", "uname", "readlink", "cat", "ls", "mkdir", "rm"];

export function which(command: string): string | undefined {
  const found = spawnSync("sh", ["-c", `command -v ${command}`], { encoding: "utf8" }).stdout.trim();
  return found === "" ? undefined : found;
}

/** What a machine behind a proxy, or with a private certificate authority, needs to reach a registry. */
const REACH = /^(https?_proxy|no_proxy|node_extra_ca_certs|ssl_cert_(file|dir)|npm_config_(cache|cafile))$/i;

/** Runs a program to its end; throws when it fails. */
export function run(
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
export function pnpm(args: string[], cwd: string): void {
  const { packageManager } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { packageManager: string };
  // Packing must not begin with an install into the checkout.
  const env = { ...process.env, pnpm_config_verify_deps_before_run: "false" };
  if (which("pnpm")) run("pnpm", args, { cwd, env });
  else run("npx", ["--yes", packageManager, ...args], { cwd, env });
}

/** These folders of packages/ packed, each once in a run of the tests; the paths of the tarballs by folder. */
export function pack(names: readonly string[]): Map<string, string> {
  const tarballs = new Map<string, string>();
  for (const name of names) {
    const target = join(process.env.DEMI_TARBALLS as string, "tarballs", name);
    if (!existsSync(target)) {
      mkdirSync(dirname(target), { recursive: true });
      const own = mkdtempSync(`${target}-`);
      pnpm(["pack", "--pack-destination", own], join(root, "packages", name));
      try {
        renameSync(own, target);
      } catch (error) {
        // Another worker of Jest's was faster.
        if (!existsSync(target)) throw error;
        rmSync(own, { recursive: true });
      }
    }
    const files = readdirSync(target);
    expect(files).toHaveLength(1);
    tarballs.set(name, join(target, files[0] as string));
  }
  return tarballs;
}

/** The environment of a bare system below `dir`: its PATH leads to node, npm and a few commands of every system. */
export function bareSystem(dir: string): NodeJS.ProcessEnv {
  const bin = join(dir, "bin");
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, "node"));
  for (const command of ["npm", "npx", ...COMMANDS]) {
    const path = which(command);
    if (!path) throw new Error(`this test needs ${command}`);
    symlinkSync(realpathSync(path), join(bin, command));
  }
  const kept = Object.entries(process.env).filter(([name]) => REACH.test(name));
  return { HOME: process.env.HOME, PATH: bin, ...Object.fromEntries(kept) };
}

/** An empty project below `dir`; its folder. */
export function emptyProject(dir: string, name = "project"): string {
  const project = join(dir, name);
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{ "name": "empty", "private": true, "type": "module" }\n');
  return project;
}

/** What `npm install` of these does. */
export function npmInstall(what: readonly string[], cwd: string, env: NodeJS.ProcessEnv): void {
  run("npm", ["install", "--no-audit", "--no-fund", ...what], { cwd, env });
}

/** The packages installed in a project, by the names they are imported by. */
export function installed(project: string): string[] {
  const modules = join(project, "node_modules");
  return readdirSync(modules)
    .filter((name) => !name.startsWith("."))
    .flatMap((name) =>
      name.startsWith("@") ? readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`) : name,
    )
    .sort();
}

/**
 * Changes the project's dependency on the backend `from` into one on `to`, by one line of its package.json, and installs it. Returns what
 * package.json was before. `beside`: what else of ours the project has.
 */
export function swapBackend(
  project: string,
  tarballs: ReadonlyMap<string, string>,
  from: string,
  to: string,
  env: NodeJS.ProcessEnv,
  beside: readonly string[] = ["apps-echo", "bench", "core"],
): string {
  const manifest = join(project, "package.json");
  const before = readFileSync(manifest, "utf8");
  const file = (name: string) => basename(tarballs.get(name) as string);
  const after = before
    .replace(`@demikernel/${from}`, `@demikernel/${to}`)
    .replace(file(from), file(to))
    .replace(`tarballs/${from}/`, `tarballs/${to}/`);
  const lines = after.split("\n");
  expect(before.split("\n").filter((line, i) => line !== lines[i])).toHaveLength(1);
  writeFileSync(manifest, after);
  npmInstall([], project, env);
  const ours = installed(project).filter((name) => name.startsWith("@demikernel/"));
  expect(ours).toEqual([...beside, to].map((name) => `@demikernel/${name}`).sort());
  return before;
}
