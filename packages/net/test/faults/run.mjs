/**
 * One program's cases, one way: `node run.mjs PROGRAM MODE [CASE]`, MODE "node" (the control: node:net) or "ours". A line of JSON for each
 * case, with what is held behind it that was not held before; one at the end. What nobody has caught is a failure of the case.
 */
import { readdirSync } from "node:fs";
import nodeNet from "node:net";
import { until, within } from "../libraries/support.mjs";

const [program, mode, only] = process.argv.slice(2);
/** Resources of a process at rest: its output's, and the limit's own timer. */
const OWN = new Set(["PipeWrap", "TTYWrap"]);
const LIMIT = 30_000;
const HELD = ["outstanding", "queues", "appSlots", "deviceSlots"];

const { default: cases, options = {}, begin } = await import(`./${program}.mjs`);
const via = { mode, net: nodeNet, os: undefined };
if (mode === "ours") {
  const { open, ...net } = await import("@demikernel/net");
  via.os = await open({ libos: process.env.LIBOS ?? "posix", ...options });
  via.net = net;
}
/** As http, ws and net have their servers: on a port of 127.0.0.1 that the kernel chooses. */
via.listen = async (server) => {
  await within(
    new Promise((resolve, reject) => {
      server.once("error", reject);
      if (mode === "ours") via.net.serve(server, { port: 0, host: "127.0.0.1" }, resolve);
      else server.listen(0, "127.0.0.1", resolve);
    }),
    "listening",
  );
  return server.address().port;
};
via.close = (server) => within(new Promise((resolve) => server.close(resolve)), "the server's end");
via.slots = () => {
  const { appSlots = 0, deviceSlots = 0 } = via.os?.stats() ?? {};
  return appSlots + deviceSlots;
};
via.descriptors = () => readdirSync("/proc/self/fd").length;

const uncaught = [];
process.on("uncaughtException", (error) => uncaught.push(error));
process.on("unhandledRejection", (error) => uncaught.push(error));

const left = () => [
  ...HELD.map((name) => [name, via.os?.stats()[name] ?? 0])
    .filter(([, value]) => value !== 0)
    .map(([name, value]) => `${name} ${value}`),
  ...process.getActiveResourcesInfo().filter((name) => !OWN.has(name)),
];
/** What is left when all has had its time. Timers end later: they are looked at in the end. */
async function rest() {
  const held = () => left().filter((name) => name !== "Timeout");
  await until(() => held().length === 0, "rest", 3000).catch(() => {});
  return held();
}

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
await begin?.(via);
// Descriptors that a process opens once: its first timer's, lookups', the libOS's.
await rest();
for (const [name, body] of Object.entries(cases)) {
  if (only !== undefined && !name.includes(only)) continue;
  const started = Date.now();
  const line = { name };
  try {
    Object.assign(line, await within(Promise.resolve(body(via)), name, LIMIT));
  } catch (error) {
    line.error = String(error?.stack ?? error);
  }
  line.left = await rest();
  line.ms = Date.now() - started;
  if (uncaught.length !== 0)
    line.error = `uncaught: ${uncaught.splice(0).map((error) => error?.stack ?? error)}; ${line.error}`;
  say(line);
}
// Timers also: none of them has a reason any more.
say({ last: true, left: left(), operations: via.os?.stats().completed ?? 0 });
