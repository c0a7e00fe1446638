// Runs stages: two side by side where they share nothing, then alone what measures time.
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { reported } from "./report.mjs";

/** As many as the processors of the machines it is tested on; each stage keeps about one busy. */
const LANES = 2;
/** Seconds between the signal that ends a stage and the one that kills it. */
const GRACE = 10;

/** @typedef {import("./stages.mjs").Stage & { seconds: number, ended: string | undefined, tests: import("./report.mjs").Test[], log: string }} Result */

export class Lanes {
  #running = new Map();
  #interrupted = false;

  /** `results` is a folder for the stages' output and reports; `done` is told of each stage that ended. */
  constructor({ root, results, done }) {
    this.root = root;
    this.results = results;
    this.done = done;
    mkdirSync(results, { recursive: true });
  }

  /** @param {import("./stages.mjs").Stage[]} stages @returns {Promise<Result[]>} In the order in which they ended. */
  async run(stages) {
    const ended = [];
    const waiting = stages.filter(({ quiet }) => !quiet);
    // The longest first, so that no lane has a long one to itself at the end.
    waiting.sort((a, b) => b.budget - a.budget);
    await Promise.all(Array.from({ length: LANES }, () => this.#lane(waiting, ended)));
    for (const stage of stages.filter(({ quiet }) => quiet))
      if (!this.#interrupted) ended.push(await this.#stage(stage));
    return ended;
  }

  async #lane(waiting, ended) {
    while (waiting.length > 0 && !this.#interrupted) {
      const next = waiting.findIndex((stage) => this.#isFree(stage));
      // What is left shares something with what runs.
      if (next < 0) await Promise.race([...this.#running.values()].map(({ over }) => over));
      else ended.push(await this.#stage(...waiting.splice(next, 1)));
    }
  }

  #isFree({ uses }) {
    return ![...this.#running.keys()].some((other) => other.uses.some((thing) => uses.includes(thing)));
  }

  async #stage(stage) {
    const start = performance.now();
    const log = join(this.results, `${stage.name}.log`);
    const file = join(this.results, `${stage.name}.report`);
    const output = openSync(log, "w");
    // A separate process group: what it has started ends with it.
    const child = spawn(stage.command[0], stage.command.slice(1), {
      cwd: join(this.root, stage.folder),
      env: { ...process.env, DEMI_REPORT: file },
      stdio: ["ignore", output, output],
      detached: true,
    });
    closeSync(output);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      void end(child);
    }, stage.limit * 1000);
    const over = new Promise((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("exit", (code, signal) => resolve(code === 0 ? undefined : (signal ?? `status ${code}`)));
    });
    this.#running.set(stage, { child, over });
    const status = await over;
    clearTimeout(timer);
    kill(child, "SIGKILL");
    this.#running.delete(stage);
    const seconds = (performance.now() - start) / 1000;
    const ended = late ? `over its time of ${stage.limit} s` : status;
    const result = { ...stage, seconds, ended, tests: reported(file), log };
    this.done(result);
    return result;
  }

  /** Ends what runs; run() then resolves without the stages that are still to come. */
  async interrupt() {
    this.#interrupted = true;
    await Promise.all([...this.#running.values()].map(({ child }) => end(child)));
  }
}

/** Asks a stage to end, and kills it when it does not. */
async function end(child) {
  kill(child, "SIGTERM");
  for (let tenths = 0; tenths < 10 * GRACE && child.exitCode === null && child.signalCode === null; tenths++)
    await sleep(100);
  kill(child, "SIGKILL");
}

function kill(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // All of it is gone.
  }
}
