/** Runs in the Workers of cases/rule7-threads: a libOS that belongs to the thread, and one of the ways for the thread to end. */
import { parentPort, workerData } from "node:worker_threads";
import { type LibOS, PushFlag, type QueueToken } from "@demikernel/core";
import type { ConformanceTarget, OpenOverrides } from "./target.js";

/** What the Worker is to do. */
export interface ThreadOrder {
  module: string;
  host: string;
  end: "return" | "exit" | "throw" | "run" | "wait" | "unref" | "count" | "churn";
  /** What openLibOS() is asked for beside the target's own. */
  options?: OpenOverrides;
}

const { module, host, end, options = {} } = workerData as ThreadOrder;
const { target } = (await import(module)) as { target: ConformanceTarget };
if (end === "churn") await churn();
const os = await target.open(options);
if (end === "count") {
  count(os);
} else {
  const pop = leavePending(os);
  parentPort?.postMessage("ready");
  if (end === "exit") process.exit(0);
  if (end === "throw") throw new Error("on purpose");
  if (end === "run") await os.run(() => undefined);
  if (end === "wait") os.wait(pop);
  if (end === "unref") {
    os.unref();
    os.run(() => undefined);
  }
}

/** Operations of every kind, none of them finished. */
function leavePending(os: LibOS): QueueToken {
  const pop = os.pop(os.queue());
  const full = os.queue({ capacity: 1 });
  for (let i = 0; i < 10; i++) os.push(full, os.alloc(1000), i % 2 === 0 ? 0 : PushFlag.FREE);
  if (target.features.tcp) {
    const listening = os.socket("tcp");
    os.bind(listening, { host, port: 0 });
    os.listen(listening);
    os.accept(listening);
    os.connect(os.socket("tcp"), os.getsockname(listening));
  }
  os.turn(() => undefined);
  return pop;
}

/** Opens, works, sleeps and destroys for ever: whoever ends this thread ends it at any of these moments. */
async function churn(): Promise<never> {
  for (let round = 0; ; round++) {
    const each = await target.open(options);
    leavePending(each);
    if (options.storage !== undefined) write(each);
    const qd = each.queue();
    const popping = each.async.pop(qd);
    if (round === 0) parentPort?.postMessage("ready");
    await new Promise((resolve) => setTimeout(resolve, round % 3));
    each.push(qd, each.sga.from("wakes it"), PushFlag.FREE | PushFlag.QUIET);
    each.free(await popping);
    each.destroy();
  }
}

/** Leaves something to do for the storage engine's device. */
function write(each: LibOS): void {
  const file = each.creat("churned");
  for (let i = 0; i < 10; i++) each.push(file, each.alloc(1000), PushFlag.FREE);
  each.turn(() => undefined);
}

/** Two thousand messages through a queue; reports their sum, and what was held afterwards. */
function count(os: LibOS): void {
  const qd = os.queue();
  let sum = 0;
  for (let i = 0; i < 2000; i++) {
    const sga = os.alloc(4);
    os.sga.bytes(sga).fill(i & 255);
    os.push(qd, sga, PushFlag.FREE | PushFlag.QUIET);
    const done = os.wait(os.pop(qd), 4000);
    sum += os.sga.bytes(done.sga)[3];
    os.free(done.sga);
  }
  os.close(qd);
  os.turn(() => undefined);
  const { outstanding, queues, appSlots, deviceSlots } = os.stats();
  os.destroy();
  parentPort?.postMessage({ sum, held: outstanding + queues + appSlots + deviceSlots });
}
