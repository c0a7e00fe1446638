/** Programs under test and their peers, as child processes that cannot outlive the test. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ClientReport, Latency } from "../src/report.js";

export const packageDir = join(dirname(fileURLToPath(import.meta.url)), "..");
const cli = join(packageDir, "dist/cli.js");

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  /** From end() to the exit, or from the start when it ended by itself. */
  milliseconds: number;
}

export interface ProgramOptions {
  cwd?: string;
  /** Added to this process's environment, or with `bare` all there is. */
  env?: NodeJS.ProcessEnv;
  bare?: boolean;
  /** What the program reads, to its end; without it stdin stays open. */
  input?: string | Buffer;
  /** Signals go to the program and all it starts, as from a terminal. */
  group?: boolean;
}

const running = new Set<Program>();

/** Ends what a test left running; for afterEach. */
export async function endAll(): Promise<void> {
  await Promise.all([...running].map((program) => program.end("SIGKILL")));
}

export class Program {
  stdout = "";
  stderr = "";
  readonly child: ChildProcess;
  readonly exited: Promise<Ended>;
  private readonly group: boolean;
  private measuredFrom = performance.now();

  constructor(command: string, args: string[], options: ProgramOptions = {}) {
    this.group = options.group ?? false;
    this.child = spawn(command, args, {
      cwd: options.cwd ?? packageDir,
      env: options.env === undefined || options.bare ? options.env : { ...process.env, ...options.env },
      stdio: ["pipe", "pipe", "pipe"],
      detached: this.group,
    });
    this.child.stdout?.setEncoding("latin1").on("data", (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.child.stdin?.on("error", () => {});
    if (options.input !== undefined) this.child.stdin?.end(options.input);
    running.add(this);
    this.exited = new Promise((resolve, reject) => {
      this.child.on("error", reject);
      this.child.on("close", (code, signal) => {
        running.delete(this);
        const milliseconds = performance.now() - this.measuredFrom;
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr, milliseconds });
      });
    });
  }

  /** Waits for text on stdout. */
  says(pattern: RegExp, within = 10_000): Promise<RegExpExecArray> {
    return this.prints("stdout", pattern, within);
  }

  /** Waits for text on either stream. */
  async prints(stream: "stdout" | "stderr", pattern: RegExp, within = 10_000): Promise<RegExpExecArray> {
    const deadline = performance.now() + within;
    for (;;) {
      const match = pattern.exec(this[stream]);
      if (match) return match;
      if (!running.has(this) || performance.now() > deadline) {
        throw new Error(`no ${pattern} on ${stream} of the program.\nstdout: ${this.stdout}\nstderr: ${this.stderr}`);
      }
      await pause(10);
    }
  }

  end(signal: NodeJS.Signals): Promise<Ended> {
    this.measuredFrom = performance.now();
    if (!this.group) this.child.kill(signal);
    else if (running.has(this)) process.kill(-(this.child.pid as number), signal);
    return this.exited;
  }
}

/** demi-echo with these arguments. */
export function demiEcho(args: string[], env?: NodeJS.ProcessEnv): Program {
  return new Program(process.execPath, [cli, ...args], { env });
}

export interface RunningServer {
  program: Program;
  port: number;
}

/** demi-echo server on a free port, once it listens. */
export async function startServer(args: string[] = [], command = "server"): Promise<RunningServer> {
  const program = demiEcho([command, "--port", "0", ...args]);
  const match = await program.says(/^listening on (\S+):(\d+) \(/m);
  return { program, port: Number(match[2]) };
}

/** demi-echo client until it ends. */
export function runClient(args: string[]): Promise<Ended> {
  return demiEcho(["client", ...args]).exited;
}

/** The client's --json line. */
export function reportIn(ended: Ended): ClientReport & { latency: Latency } {
  if (!ended.stdout.startsWith("{")) {
    throw new Error(
      `no report on stdout of the client, which ended with ${ended.code ?? ended.signal}:\n${ended.stdout}${ended.stderr}`,
    );
  }
  return JSON.parse(ended.stdout);
}

/** Waits until the condition holds, at most `within` milliseconds; whether it does. */
export async function until(condition: () => boolean, within = 5000): Promise<boolean> {
  for (let waited = 0; waited < within && !condition(); waited += 5) await pause(5);
  return condition();
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** A directory that is gone after the tests of the file. */
export function temporaryDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), "demi-echo-test-"));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A configuration file that fixes the posix engine. */
export function engineConfig(dir: string, engine: string): string {
  const path = join(dir, `${engine}.yaml`);
  writeFileSync(path, `posix:\n  engine: ${engine}\n`);
  return path;
}

/** A configuration file in `dir` that chooses a backend and sets its options; YAML understands JSON. */
export function configFile(dir: string, name: string, libos: string, options: object): string {
  const path = join(dir, `${name}.yaml`);
  writeFileSync(path, JSON.stringify({ libos, [libos]: options }));
  return path;
}
