// Runs the conformance suite without a test framework, whose start takes long on emulated processors:
//
//   node run-conformance.mjs [--worker] TARGET [group...]
//
// TARGET is a module whose export `target` is the conformance target; with words after it, only groups whose names contain one of them
// run. --worker: in a Worker instead of the main thread. Prints every case with its time; the last line is "conformance: N passed, N failed, N skipped".
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { conformanceInWorker, runConformance } from "../dist/conformance/index.js";

const inWorker = process.argv[2] === "--worker";
const [module, ...words] = process.argv.slice(inWorker ? 3 : 2);
const { target } = await import(pathToFileURL(resolve(module)).href);

const cases = [];
const notRun = new Map();
const count = { passed: 0, failed: 0, skipped: 0 };
const groups = [];
const isChosen = () => words.length === 0 || words.some((word) => groups.at(-1).includes(word));

const declare = inWorker ? conformanceInWorker : runConformance;
declare(target, {
  describe(name, body) {
    groups.push(name);
    body();
    groups.pop();
  },
  it(name, run) {
    const group = groups.at(-1);
    if (isChosen()) cases.push({ name: `${group}: ${name}`, run });
    else notRun.set(group, (notRun.get(group) ?? 0) + 1);
  },
  skip(name) {
    if (!isChosen()) return;
    const [, test, reason] = /^(.*?)(?: \((.*)\))?$/s.exec(name);
    count.skipped += 1;
    // Whoever adds these lines up takes what stands before the first colon for the name.
    console.log(`skipped: ${`${groups.at(-1)}, ${test}`.replaceAll(": ", ", ")}: ${reason}`);
  },
});

const seconds = (since) => ((performance.now() - since) / 1000).toFixed(1).padStart(6);
const begin = performance.now();
for (const { name, run } of cases) {
  const start = performance.now();
  try {
    await run();
    count.passed += 1;
    console.log(`ok      ${seconds(start)} s  ${name}`);
  } catch (error) {
    count.failed += 1;
    console.log(`FAILED  ${seconds(start)} s  ${name}\n${error?.stack ?? error}`);
  }
}
for (const [group, cases] of notRun) console.log(`NOT RUN: group "${group}", ${cases} cases`);
console.log(`${seconds(begin).trim()} s for ${cases.length} cases`);
console.log(`conformance: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
// A timer or a socket that a failed case left behind is no reason to wait.
process.exit(count.failed === 0 ? 0 : 1);
