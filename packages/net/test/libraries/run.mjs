/** One library's scenarios, one way: `node run.mjs LIBRARY MODE [CASE]`. A line of JSON for each case, and one for what is left at the end. */
import { setUp } from "./setup.mjs";
import { until, within } from "./support.mjs";

const [library, mode, only] = process.argv.slice(2);
/** Resources of a process at rest: its output's. */
const OWN = new Set(["PipeWrap", "TTYWrap"]);
/** For one case. */
const LIMIT = 30_000;
const HELD = ["outstanding", "queues", "appSlots", "deviceSlots"];

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const via = await setUp(mode);
const { default: cases, begin, end } = await import(`./${library}.mjs`);
const heldOf = () => Object.fromEntries(HELD.map((name) => [name, via.os?.stats()[name] ?? 0]));

const shared = await begin?.(via);
for (const [name, body] of Object.entries(cases)) {
  if (only !== undefined && !name.includes(only)) continue;
  const started = Date.now();
  try {
    const skipped = await within(Promise.resolve(body(via, shared)), name, LIMIT);
    say({ name, ms: Date.now() - started, skipped });
  } catch (error) {
    say({ name, ms: Date.now() - started, error: String(error?.stack ?? error) });
    process.exitCode = 1;
  }
}
await end?.(shared);

const left = () => [
  ...Object.entries(heldOf())
    .filter(([, value]) => value !== 0)
    .map(([name, value]) => `${name} ${value}`),
  ...process.getActiveResourcesInfo().filter((name) => !OWN.has(name)),
];
await until(() => left().length === 0, "rest", 5000).catch(() => {});
say({ left: left(), operations: via.os?.stats().completed ?? 0 });
if (left().length !== 0) process.exitCode = 1;
