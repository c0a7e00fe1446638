// The other end of wire.mjs, a process of its own on rxe2: echoes, one connection after the other, until it is killed.
//
//   node wire-peer.mjs echo|hold        hold: pops nothing
import { openLibOS, PushFlag } from "@demikernel/core";

const [how] = process.argv.slice(2);
const os = await openLibOS({ libos: "rdma", provider: "verbs", address: "10.9.1.2", from: import.meta.url });
const listener = os.socket("tcp");
os.bind(listener, { host: "10.9.1.2", port: 0 });
os.listen(listener);
process.send(os.getsockname(listener).port);
for await (const qd of os.async.connections(listener)) {
  if (how === "hold") continue;
  try {
    for await (const sga of os.async.messages(qd)) await os.async.push(qd, os.from(os.copy(sga)), PushFlag.FREE);
  } catch (error) {
    console.error(`wire-peer: ${error.message}`);
  }
  os.close(qd);
}
