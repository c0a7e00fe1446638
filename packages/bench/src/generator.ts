/** A load generator in JavaScript as a process that stays, compiled and warm, and measures when it is told to. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { pinned } from "./pin.js";
import { lower, raise } from "./priority.js";

export interface GeneratorOptions {
  /** How messages call it. */
  name: string;
  /** A script that calls {@link answerLoads}; process.argv[2] is `about` as JSON. */
  program: string;
  about: unknown;
  /** CPU to stay on; none: wherever the scheduler likes. */
  cpu?: number;
  cwd?: string;
}

/** Seconds, as far as a time limit follows from them. */
export interface TimedLoad {
  /** Counted, and before that uncounted. */
  seconds: number;
  warmup: number;
}

/** Milliseconds the process may take to start, and for a load beyond the load's own time. */
const GRACE = 15_000;
/** A warm-up that also counts requests may take this many times its seconds. */
const LONGEST_WARMUP = 10;
/** Most of its stderr that is kept for the error message, bytes. */
const KEPT_STDERR = 4096;

type Answer<Sample> = { sample?: Sample; error?: string };

/** The process, seen from the benchmark. It ends with the benchmark. */
export class Generator<Load extends TimedLoad, Sample> {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #gone: Promise<never>;
  #stderr = "";

  constructor({ name, program, about, cpu, cwd }: GeneratorOptions) {
    this.#name = name;
    const [command, args] = pinned(cpu, process.execPath, []);
    this.#child = fork(program, [JSON.stringify(about)], {
      execPath: command,
      execArgv: args,
      cwd,
      stdio: ["ignore", "inherit", "pipe", "ipc"],
    });
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-KEPT_STDERR);
    });
    this.#gone = once(this.#child, "close").then(([code, signal]) => {
      throw new Error(`${name} ended by itself (${signal ?? `exit status ${code}`}: ${this.#stderr.trim()})`);
    });
    this.#gone.catch(() => undefined);
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** Once, before the first load: resolves when the process can take one. */
  async ready(): Promise<void> {
    await this.#message(GRACE);
  }

  /** What the process answers. Rejects when it fails, dies or takes too long. */
  async measure(load: Load): Promise<Sample> {
    raise(this.pid);
    this.#child.send(load);
    const { sample, error } = await this.#message((load.seconds + load.warmup * LONGEST_WARMUP) * 1000 + GRACE);
    lower(this.pid);
    if (error !== undefined) throw new Error(`${this.#name}: ${error}`);
    return sample as Sample;
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#gone.catch(() => undefined);
  }

  async #message(milliseconds: number): Promise<Answer<Sample>> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${this.#name}: silent for ${milliseconds} ms`)), milliseconds);
    });
    try {
      const [message] = (await Promise.race([once(this.#child, "message"), this.#gone, late])) as [Answer<Sample>];
      return message;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** In the generator's process, once it can measure: answers each load with a sample, and ends the process with the benchmark. */
export function answerLoads<Load, Sample>(measure: (load: Load) => Promise<Sample>): void {
  const tell = (answer: Answer<Sample>): void => {
    process.send?.(answer);
  };
  process.on("message", async (load: Load) => {
    try {
      tell({ sample: await measure(load) });
    } catch (error) {
      tell({ error: (error as Error).stack });
    }
  });
  process.on("disconnect", () => process.exit(0));
  tell({});
}
