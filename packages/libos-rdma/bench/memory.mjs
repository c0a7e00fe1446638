// What connections have posted: opens them within one process, both ends of each, and reads stats().
//
//   node memory.mjs PROVIDER CONNECTIONS        prints one line of JSON
import { openLibOS } from "@demikernel/core";
import { provider } from "./providers.mjs";

const [name, count] = process.argv.slice(2);
const connections = Number(count);
const { options, host } = provider(name);
/** Handshakes under way at a time: fewer than the backlog. */
const CONNECTING = 64;

const os = await openLibOS({
  ...options,
  libos: "rdma",
  from: import.meta.url,
  // Both ends of each connection post their receives here.
  receives: Math.max(64, 2 * connections * (16 + 4)),
});
const listener = os.socket("tcp");
os.bind(listener, { host, port: 0 });
os.listen(listener, 2 * CONNECTING);
const to = os.getsockname(listener);
const posted = () => os.stats()["rdma.postedBytes"];

const start = process.memoryUsage().rss;
const qds = [];
const open = async () => {
  const qd = os.socket("tcp");
  const [accepted] = await Promise.all([os.async.accept(listener), os.async.connect(qd, to)]);
  qds.push(qd, accepted);
};
await open();
const one = posted() / 2;
while (qds.length < 2 * connections) {
  await Promise.all(Array.from({ length: Math.min(CONNECTING, connections - qds.length / 2) }, open));
}
// In use from now on, as far as stats() tells.
const all = posted();
const rss = process.memoryUsage().rss - start;
const { "rdma.receivesFree": receivesFree } = os.stats();
for (const qd of qds) os.close(qd);
os.close(listener);
const end = performance.now() + 10_000;
while (posted() > 0 && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 10));
const left = posted();
console.log(
  JSON.stringify({ provider: name, connections, postedPerEnd: one, postedOfAll: all / 2, receivesFree, rss, left }),
);
os.destroy();
