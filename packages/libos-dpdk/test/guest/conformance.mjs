// The conformance suite on target.mjs, without a test framework, which would take long to start on emulated processors. Prints every
// case with its time; the last line is "conformance: N passed, N failed, N skipped".
//
//   node conformance.mjs [group...]         groups whose names contain one of these words; none: the whole suite
import { runConformance } from "@demikernel/core/conformance";
import { target } from "./target.mjs";

const words = process.argv.slice(2);
const chosen = (group) => words.length === 0 || words.some((word) => group.includes(word));

const cases = [];
const left = new Map();
const count = { passed: 0, failed: 0, skipped: 0 };
const path = [];
const group = () => path.at(-1);

runConformance(target, {
  describe(name, body) {
    path.push(name);
    body();
    path.pop();
  },
  it(name, run) {
    if (chosen(group())) cases.push({ name: `${group()}: ${name}`, run });
    else left.set(group(), (left.get(group()) ?? 0) + 1);
  },
  skip(name) {
    const [, test, reason] = /^(.*?)(?: \((.*)\))?$/s.exec(name);
    if (!chosen(group())) return;
    count.skipped += 1;
    // What stands before the first colon is the name, to whoever adds these lines up.
    console.log(`skipped: ${`${group()}, ${test}`.replaceAll(": ", ", ")}: ${reason}`);
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
for (const [name, cases] of left) console.log(`NOT RUN: group "${name}", ${cases} cases`);
console.log(`${seconds(begin).trim()} s for ${cases.length} cases`);
console.log(`conformance: ${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
// A timer or a socket that a failed case left behind is no reason to wait.
process.exit(count.failed === 0 ? 0 : 1);
