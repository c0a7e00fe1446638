/** As many clients over shm as it is told, one after the other, each a new libOS: shm-clients.mjs <port> <clients>. */
import { setTimeout as passed } from "node:timers/promises";
import { openLibOS } from "@demikernel/core";

const [port, clients] = process.argv.slice(2).map(Number);
for (let n = 0; n < clients; n++) {
  const os = await openLibOS({ libos: "rdma", provider: "shm" });
  const qd = os.socket("tcp");
  await os.async.connect(qd, { host: "127.0.0.1", port });
  const sga = await os.async.pop(qd);
  if (os.sga.copy(sga).toString() !== "hello") throw new Error(`client ${n} was told something else`);
  os.close(qd);
  // The goodbye.
  while (os.stats()["rdma.leaving"] > 0) await passed(1);
  os.destroy();
}
