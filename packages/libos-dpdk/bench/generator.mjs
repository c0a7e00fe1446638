/** The process of client.mjs, seen from the benchmark. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { pinned } from "@demikernel/core/bench";
import { lower, raise } from "./priority.mjs";

const program = fileURLToPath(new URL("client.mjs", import.meta.url));

export class Generator {
  #child;
  #stderr = "";
  #gone;

  /** `about` is what client.mjs is told at its start. It is ready when its first measurement is asked for, at the latest. */
  constructor(about, cpu) {
    const [command, args] = pinned(cpu, process.execPath, []);
    this.#child = fork(program, [JSON.stringify(about)], {
      execPath: command,
      execArgv: args,
      stdio: ["ignore", "inherit", "pipe", "ipc"],
    });
    this.#child.stderr.setEncoding("utf8").on("data", (text) => {
      this.#stderr = (this.#stderr + text).slice(-4096);
    });
    this.#gone = once(this.#child, "exit").then(([code, signal]) => {
      throw new Error(`demi-echo client ended by itself (${signal ?? code}): ${this.#stderr.trim()}`);
    });
    this.#gone.catch(() => undefined);
  }

  /** The next message of the process; rejects when it dies or takes longer. */
  async #message(milliseconds) {
    let timer;
    const late = new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error(`demi-echo client: silent for ${milliseconds} ms`)), milliseconds);
    });
    try {
      const [message] = await Promise.race([once(this.#child, "message"), this.#gone, late]);
      return message;
    } finally {
      clearTimeout(timer);
    }
  }

  get pid() {
    return this.#child.pid;
  }

  ready() {
    return this.#message(15_000);
  }

  async measure(load) {
    raise(this.#child.pid);
    this.#child.send(load);
    const { sample, error } = await this.#message((load.seconds + load.warmup * 10) * 1000 + 15_000);
    lower(this.#child.pid);
    if (error !== undefined) throw new Error(`demi-echo client: ${error}`);
    return sample;
  }

  async stop() {
    this.#child.kill("SIGKILL");
    await this.#gone.catch(() => undefined);
  }
}
