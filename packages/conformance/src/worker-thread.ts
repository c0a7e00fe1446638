/** Runs in the Worker of {@link conformanceInWorker}: takes orders, runs cases, reports. */
import { parentPort, workerData } from "node:worker_threads";
import { runCase } from "./context.js";
import { SharedLibOS } from "./shared-libos.js";
import { suite } from "./suite.js";
import type { ConformanceTarget } from "./target.js";
import type { CaseOrder, CaseReport } from "./worker.js";

const { target } = (await import((workerData as { module: string }).module)) as { target?: ConformanceTarget };
if (target === undefined) throw new Error(`${(workerData as { module: string }).module} has no export named target`);
const shared = new SharedLibOS(target);

parentPort?.on("message", async ({ index, seed }: CaseOrder) => {
  const report: CaseReport = { index };
  try {
    if (index === undefined) shared.end();
    else await runCase(shared, suite[index], seed);
  } catch (error) {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    report.failure = { name, message, stack };
  }
  parentPort?.postMessage(report);
});
