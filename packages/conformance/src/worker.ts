/** The same suite inside a Worker thread: a libOS belongs to whichever thread opened it. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { chooseSeed } from "./context.js";
import { declare, globalHarness, type Harness, type Selection } from "./run.js";
import { suite } from "./suite.js";
import type { ConformanceTarget } from "./target.js";

/** To the Worker: run the case with this index; without one, close what the cases share. */
export interface CaseOrder {
  index?: number;
  seed: number;
}

/** From the Worker: how it went. */
export interface CaseReport {
  index?: number;
  failure?: { name: string; message: string; stack?: string };
}

/**
 * Declares the cases; each runs in one Worker, which imports the target anew from `target.module`. The Worker starts with the
 * first case and does not keep the process alive.
 */
export function conformanceInWorker(
  target: ConformanceTarget,
  harness: Harness = globalHarness(),
  selection: Selection = {},
): void {
  const module = target.module;
  if (module === undefined)
    throw new Error(`${target.name}: a run in a Worker needs \`module\`, the URL the Worker imports the target from`);
  const seed = chooseSeed();
  let thread: Worker | undefined;

  async function order(index?: number): Promise<void> {
    thread ??= new Worker(new URL("./worker-thread.js", import.meta.url), { workerData: { module } });
    const worker = thread;
    worker.ref();
    worker.postMessage({ index, seed } satisfies CaseOrder);
    const ended = new AbortController();
    try {
      const report = await Promise.race([
        once(worker, "message", { signal: ended.signal }).then(([message]) => message as CaseReport),
        once(worker, "exit", { signal: ended.signal }).then(([code]) => {
          thread = undefined;
          throw new Error(`the Worker ended with ${code}`);
        }),
      ]);
      if (report.failure !== undefined) throw Object.assign(new Error(report.failure.message), report.failure);
    } finally {
      ended.abort();
      worker.unref();
    }
  }

  declare(`conformance of ${target.name} in a Worker`, target, harness, selection, {
    run: (test) => order(suite.indexOf(test)),
    end: () => (thread === undefined ? undefined : order()),
  });
}
