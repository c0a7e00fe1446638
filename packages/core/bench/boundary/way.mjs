/**
 * One way of using the queues, in a separate process: an application has one handler, and what V8 learns from one way would blur the
 * figures of the next. The parent sends how many milliseconds to measure and gets nanoseconds of CPU time per pair; "end" ends it.
 */
import { openLibOS } from "@demikernel/core";
import { calls, promises, runLoop, timed } from "./pairs.mjs";

const [kind, batch] = [process.argv[2], Number(process.argv[3])];
const makers = {
  quiet: (os) => runLoop(os, batch, true),
  complete: (os) => runLoop(os, batch, false),
  calls: (os) => calls(os),
  promises: (os) => promises(os, batch),
};

const os = await openLibOS({ libos: "memory" });
const way = makers[kind](os);

process.on("message", async (milliseconds) => {
  if (milliseconds !== "end") {
    process.send(await timed(way, milliseconds).measure());
    return;
  }
  way.close();
  const { outstanding, queues, appSlots } = os.stats();
  os.destroy();
  process.send(outstanding + queues + appSlots);
  process.disconnect();
});
process.send({ name: way.name, row: way.row });
