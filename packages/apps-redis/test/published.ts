/** demi-redis as it is published: packed, and installed into an empty project on a system that has no compiler. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { emptyProject, npmInstall, pnpm } from "../../apps-echo/test/packed.js";
import type { Program } from "../../apps-echo/test/program.js";

/** What demi-redis brings itself; the backend beside it is the project's choice. */
export const BESIDE = ["apps-redis", "bench", "core", "net"];
/** Milliseconds until a server is there, on a busy machine. */
const PATIENCE = 60_000;
const READY = /^demi-redis: ready on \S+:\d+, (.+), pid (\d+)$/m;

export type Tarballs = ReadonlyMap<string, string>;

export interface RunningServer {
  program: Program;
  /** As it says: "posix (io_uring)". */
  backend: string;
  /** Node.js itself, whoever started it. */
  pid: number;
}

/** A project below `dir` with demi-redis and this backend, by npm. */
export function byNpm(dir: string, tarballs: Tarballs, backend: string, env: NodeJS.ProcessEnv): string {
  const project = emptyProject(dir, "by-npm");
  npmInstall(
    [...BESIDE, backend].map((name) => tarballs.get(name) as string),
    project,
    env,
  );
  return project;
}

/** The same by pnpm. What is not in a registry yet, pnpm is told with overrides. */
export function byPnpm(dir: string, tarballs: Tarballs, backend: string): string {
  const project = emptyProject(dir, "by-pnpm");
  const file = (name: string) => `file:${tarballs.get(name)}`;
  const overrides = BESIDE.map((name) => `  "@demikernel/${name}": "${file(name)}"\n`).join("");
  writeFileSync(join(project, "pnpm-workspace.yaml"), `overrides:\n${overrides}`);
  pnpm(["add", "--prefer-offline", file("apps-redis"), file(backend)], project);
  return project;
}

/** Waits until a demi-redis server is ready. */
export async function running(program: Program): Promise<RunningServer> {
  const [, backend, pid] = await program.says(READY, PATIENCE);
  return { program, backend: backend as string, pid: Number(pid) };
}

/** The words that a process was started with. */
export function commandLine(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
}
