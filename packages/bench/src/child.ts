/**
 * Servers and generators as child processes: started on a CPU, awaited until ready, watched while measured, and gone when the
 * benchmark is, whichever way it ends.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";
import { pinned } from "./pin.js";
import { raised } from "./priority.js";

export interface ChildOptions {
  /** How messages call it. */
  name: string;
  command: string;
  args: readonly string[];
  /** CPU to stay on; none: wherever the scheduler likes. */
  cpu?: number;
  /** Started with the priority of {@link useRealtime}, if that was called: what is measured from its start. */
  measured?: boolean;
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/** Most of a child's stderr that is kept for the error message, bytes. */
const keptStderr = 4096;

const living = new Set<ChildProcess>();
let guarded = false;

/** Ctrl-C and the end of the benchmark must not leave a spinning server behind. */
function guard(): void {
  if (guarded) return;
  guarded = true;
  process.on("exit", killAll);
  for (const [signal, status] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const) {
    process.on(signal, () => process.exit(status));
  }
}

function killAll(): void {
  for (const child of living) child.kill("SIGKILL");
}

/** A running child process. */
export class Child {
  readonly name: string;
  readonly lines: Interface;
  /** Settles when the process has ended and its output is read. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly #process: ChildProcess;
  #stderr = "";
  #stopping = false;
  #failure: Promise<never>;

  constructor(options: ChildOptions) {
    guard();
    this.name = options.name;
    const own: [string, readonly string[]] = [options.command, options.args];
    const [command, args] = pinned(options.cpu, ...(options.measured ? raised(...own) : own));
    const child = spawn(command, args, {
      stdio: ["ignore", "pipe", "pipe"],
      cwd: options.cwd,
      env: options.env ?? process.env,
    });
    this.#process = child;
    living.add(child);
    this.lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-keptStderr);
    });
    this.ended = new Promise((resolve) => {
      child.on("error", (error) => {
        this.#stderr += error.message;
        living.delete(child);
        resolve({ code: null, signal: null });
      });
      child.on("close", (code, signal) => {
        living.delete(child);
        resolve({ code, signal });
      });
    });
    this.#failure = this.ended.then(({ code, signal }) => {
      if (this.#stopping) return new Promise<never>(() => {});
      throw new Error(`${this.name} ended by itself (${this.#describe(code, signal)})`);
    });
    this.#failure.catch(() => {});
  }

  /** Of the command itself: taskset and chrt have replaced themselves by it. */
  get pid(): number {
    if (this.#process.pid === undefined) throw new Error(`${this.name} did not start`);
    return this.#process.pid;
  }

  get alive(): boolean {
    return living.has(this.#process);
  }

  /** What the process wrote to stderr last. */
  get stderr(): string {
    return this.#stderr.trim();
  }

  /** The promise, or a rejection that says why as soon as the process dies. */
  whileAlive<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#failure]);
  }

  /** The first line of output that matches. Rejects when the process dies or `timeout` milliseconds pass without one. */
  async ready(pattern: RegExp, timeout = 10_000): Promise<RegExpExecArray> {
    let timer: NodeJS.Timeout | undefined;
    let listener: ((line: string) => void) | undefined;
    const match = new Promise<RegExpExecArray>((resolve, reject) => {
      listener = (line) => {
        const found = pattern.exec(line);
        if (found) resolve(found);
      };
      this.lines.on("line", listener);
      timer = setTimeout(() => reject(new Error(`${this.name} was not ready after ${timeout} ms`)), timeout);
    });
    try {
      return await this.whileAlive(match);
    } finally {
      clearTimeout(timer);
      if (listener) this.lines.off("line", listener);
    }
  }

  /** All output until the process ends. Rejects when it ends with another status than 0. */
  async output(): Promise<string> {
    const lines: string[] = [];
    this.lines.on("line", (line) => lines.push(line));
    const { code, signal } = await this.ended;
    if (code !== 0) throw new Error(`${this.name} failed (${this.#describe(code, signal)})`);
    return lines.join("\n");
  }

  /** SIGTERM, also to one that is halted, and SIGKILL when that does not help within a second. Resolves when the process has ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#process.kill("SIGTERM");
    this.#process.kill("SIGCONT");
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), 1000);
    await this.ended;
    clearTimeout(timer);
  }

  #describe(code: number | null, signal: NodeJS.Signals | null): string {
    const how = signal ?? (code === null ? "not started" : `exit status ${code}`);
    return this.stderr === "" ? how : `${how}: ${this.stderr}`;
  }
}
