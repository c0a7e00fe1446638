// Runs the conformance suite without a test framework, whose start takes long on emulated processors:
//
//   node run-conformance.mjs [--worker] [--on runtime|queues|device] TARGET [group...]
//
// TARGET is a module whose export `target` is the conformance target; with words after it, only groups whose names contain one of them
// run. --worker: in a Worker instead of the main thread. --on: only the cases about this. Prints every case with its time; the last line is
// "conformance: N passed, N failed, N skipped".
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { count, report, splitReason } from "../../../scripts/test/report.mjs";
import { conformanceInWorker, runConformance } from "../dist/index.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { worker: { type: "boolean" }, on: { type: "string" } },
});
const [module, ...words] = positionals;
const { target } = await import(pathToFileURL(resolve(module)).href);

const cases = [];
const tests = [];
const notRun = new Map();
const groups = [];
let end;
const isChosen = () => words.length === 0 || words.some((word) => groups.at(-1).includes(word));
const full = (name) => [...groups, name].join(" > ");

const declare = values.worker ? conformanceInWorker : runConformance;
const harness = {
  describe(name, body) {
    groups.push(name);
    body();
    groups.pop();
  },
  it(name, run) {
    const group = groups.at(-1);
    if (isChosen()) cases.push({ name: full(name), title: `${group}: ${name}`, run });
    else notRun.set(group, (notRun.get(group) ?? 0) + 1);
  },
  skip(name) {
    if (!isChosen()) return;
    const { name: test, reason } = splitReason(full(name));
    tests.push({ name: test, status: "skipped", reason });
    console.log(`skipped: ${groups.at(-1)}: ${name}`);
  },
  after(body) {
    end = body;
  },
};
declare(target, harness, { on: values.on });

const since = (start) => (performance.now() - start) / 1000;
const shown = (seconds) => seconds.toFixed(1).padStart(6);
const begin = performance.now();
for (const { name, title, run } of cases) {
  const start = performance.now();
  try {
    await run();
    tests.push({ name, status: "passed", seconds: since(start) });
    console.log(`ok      ${shown(since(start))} s  ${title}`);
  } catch (error) {
    const reason = `${error?.stack ?? error}`;
    tests.push({ name, status: "failed", reason, seconds: since(start) });
    console.log(`FAILED  ${shown(since(start))} s  ${title}\n${reason}`);
  }
}
await end();
for (const [group, cases] of notRun) console.log(`NOT RUN: group "${group}", ${cases} cases`);
console.log(`${shown(since(begin)).trim()} s for ${cases.length} cases`);
report(tests);
const { passed, failed, skipped } = count(tests);
console.log(`conformance: ${passed} passed, ${failed} failed, ${skipped} skipped`);
if (cases.length === 0) console.error("no case was chosen that this target can run");
// A timer or a socket that a failed case left behind is no reason to wait.
process.exit(failed === 0 && cases.length > 0 ? 0 : 1);
