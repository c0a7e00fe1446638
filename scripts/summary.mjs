// Adds up what the stages of test.sh left in a folder and prints one last line: "N passed, N failed, N skipped".
//
//   <stage>.status  the stage's exit code
//   <stage>.log     its output; native and readme stages end with "<name>: N passed, N failed, N skipped" and name each skipped
//                   test on a line of its own: "skipped: <test>: <reason>"
//   jest-*.json     Jest's own report
//
// A skipped test carries its reason: Jest's in parentheses at the end of the test's name. Reasons of BY_DESIGN hold on every
// machine; any other means that this machine lacks something, and with CI=true that is a failure.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";

const BY_DESIGN = [
  /does not offer/, // the backend says in its features that it has no such thing
  /the host's own sockets do not reach this backend/,
  /the target names no module/,
  /^example: /, // an example that no test can run says so where it stands
];

const folder = process.argv[2];
const total = { passed: 0, failed: 0, skipped: 0 };
const skips = [];
const failures = [];

function add(passed, failed, skipped) {
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}

function readJest(stage, path) {
  const report = JSON.parse(readFileSync(path, "utf8"));
  let failed = report.numFailedTests;
  for (const suite of report.testResults) {
    for (const test of suite.assertionResults) {
      if (test.status === "failed") {
        const message = stripVTControlCharacters(test.failureMessages.join("\n"));
        failures.push(`${stage}: ${test.fullName}${why(message.split("\n"))}`);
      }
      if (test.status === "pending" || test.status === "todo") {
        const [, name, reason] = /^(.*?)(?: \((.*)\))?$/s.exec(test.fullName);
        skips.push({ name: `${stage}: ${name}`, reason: reason ?? "no reason given" });
      }
    }
    // A suite that could not start has no tests of its own to count.
    if (suite.status === "failed" && !suite.assertionResults.some((test) => test.status === "failed")) {
      failed += 1;
      failures.push(`${stage}: ${suite.name} could not run`);
    }
  }
  add(report.numPassedTests, failed, report.numPendingTests + report.numTodoTests);
  return failed;
}

/** What a case says about its failure: the lines below it, until the next case. */
function why(lines) {
  const end = lines.findIndex((line) => /^(ok|FAILED)\b|^[\w-]+: \d+ passed/.test(line));
  return lines
    .slice(0, Math.min(end < 0 ? 15 : end, 15))
    .map((line) => `\n    ${line}`)
    .join("");
}

/** The errors that doctest prints, each with its test; the line of values follows the error. And what shell tests call FAILED. */
function failedIn(log) {
  const lines = log.split("\n");
  const found = [];
  let test = "";
  for (const [n, line] of lines.entries()) {
    if (/^(TEST CASE|\s+SCENARIO): /.test(line)) test = line.replace(/^.*?: +/, "");
    if (/^FAILED\b/.test(line)) found.push(line.replace(/^FAILED:?\s+/, "") + why(lines.slice(n + 1)));
    if (/: (FATAL )?ERROR: |ERROR: (Address|Leak)Sanitizer|: runtime error: /.test(line)) {
      found.push(`${test}: ${line.replace(/^.*\//, "")} ${(lines[n + 1] ?? "").trim()}`);
    }
  }
  return found.slice(0, 20);
}

function readLog(stage, log) {
  const last = [...log.matchAll(/^[\w-]+: (\d+) passed, (\d+) failed, (\d+) skipped$/gm)].at(-1);
  if (!last) return undefined;
  const [passed, failed, skipped] = last.slice(1).map(Number);
  const named = [...log.matchAll(/^skipped: (.*?): (.*)$/gm)];
  for (const [, name, reason] of named)
    skips.push({ name: `${stage}: ${name}`, reason: stage === "readme" ? `example: ${reason}` : reason });
  for (let n = named.length; n < skipped; n++) skips.push({ name: stage, reason: "no reason given" });
  if (failed > 0) failures.push(...failedIn(log).map((line) => `${stage}: ${line}`), `${stage}: ${failed} failed`);
  add(passed, failed, skipped);
  return failed;
}

for (const file of readdirSync(folder)
  .filter((name) => name.endsWith(".status"))
  .sort()) {
  const stage = file.slice(0, -".status".length);
  const ok = readFileSync(join(folder, file), "utf8").trim() === "0";
  const log = readFileSync(join(folder, `${stage}.log`), "utf8");
  const json = join(folder, `${stage}.json`);
  let failed;
  if (stage.startsWith("lint-")) {
    failed = ok ? 0 : 1;
    add(ok ? 1 : 0, failed, 0);
    if (!ok) failures.push(stage);
  } else {
    failed = existsSync(json) ? readJest(stage, json) : stage.startsWith("jest-") ? undefined : readLog(stage, log);
    if (failed === undefined || (!ok && failed === 0)) {
      // Crashed, killed, or failed in a way its own report does not show.
      add(0, 1, 0);
      failures.push(`${stage}: ended without a usable report`);
    }
  }
}

if (total.passed === 0) failures.push("nothing ran");
const lacking = skips.filter(({ reason }) => !BY_DESIGN.some((known) => known.test(reason)));
if (process.env.CI === "true" && lacking.length > 0) {
  for (const { name, reason } of lacking) failures.push(`${name}: skipped, which CI=true does not allow: ${reason}`);
  total.skipped -= lacking.length;
  total.failed += lacking.length;
}

// Map.groupBy is not in Node 20.
const byReason = new Map();
for (const { name, reason } of skips) byReason.set(reason, [...(byReason.get(reason) ?? []), name]);
for (const [reason, names] of byReason) {
  console.log(`skipped ${names.length}: ${reason}`);
  // What holds on every machine is in the stage's own report; what this machine lacks is told test by test.
  if (!BY_DESIGN.some((known) => known.test(reason))) for (const name of names) console.log(`    ${name}`);
}
for (const failure of failures) console.log(`failed: ${failure}`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = failures.length > 0 || total.failed > 0 ? 1 : 0;
