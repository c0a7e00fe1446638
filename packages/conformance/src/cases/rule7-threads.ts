import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { type CaseContext, group } from "../case.js";
import type { ThreadOrder } from "../libos-thread.js";
import { assertIdle, popMessage, pushBytes, until } from "../turns.js";

const endings: Record<string, ThreadOrder["end"]> = {
  "returns with operations pending": "return",
  "calls process.exit with operations pending": "exit",
  "throws with operations pending": "throw",
  "has nothing left but a loop that does not keep it": "unref",
  "is terminated while it waits for a loop": "run",
  "is terminated while it blocks in wait": "wait",
};

/** Targets a Worker has run already. */
const warm = new Set<string>();

function start(ctx: CaseContext, end: ThreadOrder["end"]): Worker {
  const order: ThreadOrder = { module: ctx.target.module as string, host: ctx.host(4), end };
  const worker = new Worker(new URL("../libos-thread.js", import.meta.url), { workerData: order });
  ctx.defer(() => worker.terminate().then(() => undefined));
  return worker;
}

/** Starts a Worker, waits until it has operations pending, and for its end. What it failed with, if it failed. */
async function startAndEnd(ctx: CaseContext, end: ThreadOrder["end"]): Promise<unknown> {
  const worker = start(ctx, end);
  let failure: unknown;
  worker.on("error", (error) => {
    failure = error;
  });
  const exited = new Promise<void>((resolve) => {
    worker.on("exit", () => resolve());
  });
  let ready = false;
  worker.on("message", () => {
    ready = true;
  });
  await until(ctx, "the Worker to be ready", () => {
    if (failure !== undefined && end !== "throw") throw failure;
    return ready;
  });
  if (end === "run" || end === "wait") await worker.terminate();
  await exited;
  return failure;
}

/** Rule 7, continued: a libOS cleans up when its thread ends, however it ends. */
export const threads = group("rule 7: threads", { needs: ["module"], own: true }, (test) => {
  for (const [how, end] of Object.entries(endings)) {
    test(
      `a Worker that ${how} leaves nothing behind`,
      async (ctx) => {
        const several = ctx.target.features.several ?? true;
        // Where there is one in a process, this thread's comes after the Worker's, and finds the device free.
        const before = several ? await ctx.open() : undefined;
        const open = () => readdirSync("/proc/self/fd").length;
        // The first Worker of a process opens descriptors that stay, and so does the first libOS of a kind.
        if (!warm.has(ctx.target.name)) await startAndEnd(ctx, "return");
        warm.add(ctx.target.name);
        const held = open();
        const failure = await startAndEnd(ctx, end);
        assert.equal((failure as Error | undefined)?.message, end === "throw" ? "on purpose" : undefined);
        await until(ctx, `descriptors to be closed: ${held} before, ${open()} after`, () => open() <= held);
        const mine = before ?? (await ctx.open());
        const qd = mine.queue();
        await pushBytes(ctx, mine, qd, "this thread goes on");
        assert.equal((await popMessage(ctx, mine, qd)).toString(), "this thread goes on");
        mine.close(qd);
        await assertIdle(ctx, mine);
      },
      { timeout: 10_000 },
    );
  }

  test(
    "Workers terminated at random moments of open, work, sleep and destroy: the process goes on, and holds no more",
    async (ctx) => {
      const slow = (ctx.target.timeScale ?? 1) >= 10;
      const rounds = process.env.DEMI_SOAK === "1" ? 2000 : slow ? 2 : 12;
      const together = (ctx.target.features.several ?? true) && !slow ? 3 : 1;
      const descriptors = () => readdirSync("/proc/self/fd").length;
      let held: number | undefined;
      let resident = 0;
      for (let round = 0; round < rounds; round += together) {
        const workers = Array.from({ length: together }, () => start(ctx, "churn"));
        await Promise.all(
          workers.map(async (worker) => {
            await once(worker, "message");
            await new Promise((resolve) => setTimeout(resolve, ctx.random() * 15));
            await worker.terminate();
          }),
        );
        if (held !== undefined) continue;
        held = descriptors();
        resident = process.memoryUsage.rss();
      }
      const most = (held ?? 0) + 2;
      await until(ctx, `descriptors to be closed: ${held} before, ${descriptors()} after`, () => descriptors() <= most);
      const grown = (process.memoryUsage.rss() - resident) / rounds / 1024;
      // A Worker's own heap is given back when V8 likes.
      assert.ok(rounds < 100 || grown < 256, `${grown.toFixed()} KiB stay of each Worker`);
    },
    { timeout: process.env.DEMI_SOAK === "1" ? 1_200_000 : 20_000 },
  );

  test(
    "libOSes on several threads at once",
    async (ctx) => {
      const workers = Array.from({ length: 3 }, () => start(ctx, "count"));
      const answers = await Promise.all(workers.map((worker) => once(worker, "message")));
      let expected = 0;
      for (let i = 0; i < 2000; i++) expected += i & 255;
      for (const [answer] of answers) {
        assert.equal(answer.sum, expected);
        assert.equal(answer.held, 0);
      }
    },
    { needs: ["several"], timeout: 10_000 },
  );
});
