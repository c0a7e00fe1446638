// Serves connections with hardly any descriptor to spare, and prints what came of it as JSON. Run with a low `ulimit -n`.
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { connect } from "node:net";
import { openLibOS } from "@demikernel/core";

const os = await openLibOS({ libos: "posix", engine: process.argv[2], from: import.meta.url });
const listener = os.socket("tcp");
os.bind(listener, { host: "127.0.0.1", port: 0 });
os.listen(listener);
const { port } = os.getsockname(listener);

const clients = [];
for (let i = 0; i < 4; ++i) {
  // Half open: a client that closes as well would free a second descriptor.
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  await once(client, "connect");
  client.write(`client ${i}`);
  clients.push(client);
}
const held = [];
try {
  for (;;) held.push(openSync("/dev/null"));
} catch (error) {
  if (error.code !== "EMFILE") throw error;
}
closeSync(held.pop());

const accepted = [];
const texts = [];
let accepting = true;
const serving = (async () => {
  while (accepted.length < 4) {
    const qd = await os.async.accept(listener);
    accepted.push(qd);
    const sga = await os.async.pop(qd);
    texts.push(os.sga.copy(sga).toString());
    os.free(sga);
  }
  accepting = false;
})();
/** Turns until the condition holds; whoever started this program ends it when it never does. */
const until = async (condition) => {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
};
const start = performance.now();
await until(() => os.stats()["posix.acceptPaused"] >= 4);
const starved = {
  accepted: accepted.length,
  paused: os.stats()["posix.acceptPaused"],
  milliseconds: performance.now() - start,
};
// One of the libOS's goes away, then some of the process's.
os.close(accepted[0]);
await until(() => accepted.length > 1);
const afterClose = accepted.length;
while (held.length > 0) closeSync(held.pop());
await serving;
process.stdout.write(`${JSON.stringify({ starved, afterClose, accepting, texts })}\n`);
for (const client of clients) client.destroy();
os.destroy();
