import { type ConformanceTarget, conformance, conformanceInWorker, globalHarness } from "@demikernel/conformance";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target as epoll } from "./epoll-target.mjs";
// @ts-expect-error: as above
import { target as uring } from "./io-uring-target.mjs";

for (const target of [epoll, uring] as ConformanceTarget[]) {
  const reason = await whyNot(target);
  if (reason === undefined) {
    // Both engines are in one addon: epoll, which every machine has, tests its runtime.
    const selection = target === epoll ? {} : { on: "queues" as const };
    conformance(target, selection);
    conformanceInWorker(target, globalHarness(), selection);
  } else if (process.env.CI === "true" || target === epoll) {
    it(`${target.name} opens`, () => {
      throw new Error(reason);
    });
  } else {
    process.stderr.write(`conformance of ${target.name} skipped: ${reason}\n`);
    it.skip(`conformance of ${target.name} (${reason})`, () => undefined);
  }
}

/** Why an engine does not open here; io_uring may be switched off. */
async function whyNot(target: ConformanceTarget): Promise<string | undefined> {
  try {
    (await target.open()).destroy();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
