// Fills a log with records: COUNT of them, of SIZE bytes each.
//
//   node filler.mjs FILE SIZE COUNT [crash]       crash: ends as a crash would, without closing the libOS
import { openLibOS, PushFlag } from "@demikernel/core";

/** Pushes under way: they share commits. */
const PUSHES = 1024;

const [path, size, count, ending] = process.argv.slice(2);
const os = await openLibOS({ libos: "spdk", device: `file:${path}`, from: import.meta.url });
const log = os.open("bench", "ax+");
let pushed = 0;
let completed = 0;
const push = () => {
  const sga = os.alloc(Number(size));
  const bytes = os.sga.view(sga);
  for (let i = 0; i < 4; i++) bytes[i] = pushed >> (8 * i);
  os.push(log, sga, PushFlag.FREE);
  pushed++;
};
for (let i = 0; i < Math.min(PUSHES, Number(count)); i++) push();
await os.run(({ result }) => {
  if (result < 0) throw new Error(`push ${completed} ended with ${result}`);
  if (++completed === Number(count)) os.stop();
  else if (pushed < Number(count)) push();
});
if (ending === "crash") process.kill(process.pid, "SIGKILL");
os.destroy();
