/** Says a word to whoever connects over shm, and what its own process has mapped of its peers whenever it is told a line. */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { openLibOS } from "@demikernel/core";

const os = await openLibOS({ libos: "rdma", provider: "shm" });
const listener = os.socket("tcp");
os.bind(listener, { host: "127.0.0.1", port: 0 });
os.listen(listener);
console.log(os.getsockname(listener).port);

createInterface({ input: process.stdin }).on("line", () => {
  const mapped = readFileSync("/proc/self/maps", "utf8").match(/\/dev\/shm\/demikernel-\d+/g) ?? [];
  console.log(mapped.filter((path) => path !== `/dev/shm/demikernel-${process.pid}`).length);
});

async function serve(qd) {
  await os.async.push(qd, os.sga.from("hello"));
  await os.async.pop(qd);
  os.close(qd);
}
for (;;) serve(await os.async.accept(listener)).catch((error) => console.error(error));
