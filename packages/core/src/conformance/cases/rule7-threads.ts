import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { type CaseContext, group } from "../case.js";
import { assertIdle, popMessage, pushBytes, until } from "../turns.js";

/** What a Worker does with a libOS of its own before its thread ends, in words {@link inWorker} evaluates. */
const endings = {
  "returns with operations pending": "",
  "calls process.exit with operations pending": "process.exit(0);",
  "throws with operations pending": 'throw new Error("on purpose");',
  "is terminated while it waits for a loop": "await os.run(() => {});",
  "is terminated while it blocks in wait": "os.wait(pop);",
};

function inWorker(ctx: CaseContext, ending: string): Worker {
  const code = `
    import { parentPort } from "node:worker_threads";
    const { target } = await import(${JSON.stringify(ctx.target.module)});
    const os = await target.open();
    const qd = os.queue();
    const pop = os.pop(qd);
    const other = os.queue({ capacity: 1 });
    for (let i = 0; i < 10; i++) os.push(other, os.alloc(1000), i % 2);
    if (target.features.tcp) {
      const listening = os.socket("tcp");
      os.bind(listening, { host: ${JSON.stringify(ctx.host(4))}, port: 0 });
      os.listen(listening);
      os.accept(listening);
      os.connect(os.socket("tcp"), os.getsockname(listening));
    }
    os.drain(() => {});
    parentPort.postMessage("ready");
    ${ending}
  `;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
}

/** Rule 7, continued: a libOS cleans up when its thread ends, however it ends. */
export const threads = group("rule 7: threads", ["module"], (test) => {
  for (const [how, ending] of Object.entries(endings)) {
    test(
      `a Worker that ${how} leaves nothing behind`,
      async (ctx) => {
        const mine = await ctx.open();
        const qd = mine.queue();
        const open = () => readdirSync("/proc/self/fd").length;
        // The first Worker of a process opens descriptors that stay: the second tells.
        let before = 0;
        for (let round = 0; round < 3; round++) {
          const worker = inWorker(ctx, ending);
          let failure: unknown;
          worker.on("error", (error) => {
            failure = error;
          });
          const exited = once(worker, "exit").catch(() => undefined);
          const [message] = await Promise.race([
            once(worker, "message"),
            exited.then(() => assert.fail(`the Worker ended early: ${failure}`)),
          ]);
          assert.equal(message, "ready");
          if (how.includes("terminated")) await worker.terminate();
          await exited;
          if (how.startsWith("throws")) assert.equal((failure as Error | undefined)?.message, "on purpose");
          else assert.equal(failure, undefined);
          if (round === 0) before = open();
        }
        await until(ctx, `descriptors to be closed: ${before} before, ${open()} after`, () => open() <= before);
        await pushBytes(ctx, mine, qd, "this thread goes on");
        assert.equal((await popMessage(ctx, mine, qd)).toString(), "this thread goes on");
        mine.close(qd);
        await assertIdle(ctx, mine);
      },
      { timeout: 10_000 },
    );
  }

  test(
    "libOSes on several threads at once",
    async (ctx) => {
      const code = `
      import { parentPort } from "node:worker_threads";
      const { target } = await import(${JSON.stringify(ctx.target.module)});
      const os = await target.open();
      const qd = os.queue();
      let sum = 0;
      for (let i = 0; i < 2000; i++) {
        const sga = os.alloc(4);
        os.bytes(sga).fill(i & 255);
        os.push(qd, sga, 3);
        const done = os.wait(os.pop(qd), 4000);
        sum += os.bytes(done.sga)[3];
        os.free(done.sga);
      }
      os.close(qd);
      os.drain(() => {});
      const { outstanding, queues, appSlots, deviceSlots } = os.stats();
      os.destroy();
      parentPort.postMessage({ sum, held: outstanding + queues + appSlots + deviceSlots });
    `;
      const workers = Array.from(
        { length: 4 },
        () => new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`)),
      );
      for (const worker of workers) ctx.defer(() => worker.terminate().then(() => undefined));
      const answers = await Promise.all(workers.map((worker) => once(worker, "message")));
      let expected = 0;
      for (let i = 0; i < 2000; i++) expected += i & 255;
      for (const [answer] of answers) assert.deepEqual(answer, { sum: expected, held: 0 });
    },
    { timeout: 10_000 },
  );
});
