// What a run comes to: skipped tests by reason, failed ones with theirs, the table of stages, and one last line,
// "N passed, N failed, N skipped".
import { count } from "./report.mjs";

/** Reasons to skip that hold on every machine; any other means that this machine is missing something, and with CI=true that is a failure. */
const BY_DESIGN = [
  /does not offer/, // the backend says in its features that it has no such thing
  /the host's own sockets do not reach this backend/,
  /the target names no module/,
  /^example: /, // an example that no test can run says so where it stands
];
/** Lines of a failure's reason that are shown; all of it is in the stage's log. */
const LINES = 15;

/** A stage's tests, and one more where it failed in a way that its tests do not show. @param {import("./lanes.mjs").Result} result */
export function testsOf({ name, ended, tests }) {
  if (tests.length === 0 && ended === undefined) {
    // Linters report nothing but their status.
    return [{ name, status: name.startsWith("lint-") ? "passed" : "failed", reason: "ended without a report" }];
  }
  if (ended === undefined || tests.some(({ status }) => status === "failed")) return tests;
  return [...tests, { name, status: "failed", reason: `ended with ${ended}` }];
}

/** The lines of the summary, and whether the run passed. */
export function summarise(results, { took, ci }) {
  const lines = [];
  const failures = [];
  const total = { passed: 0, failed: 0, skipped: 0 };
  const byReason = new Map();
  const rows = took.map(({ name, seconds, budget }) => row(name, seconds, budget, ""));
  for (const result of results) {
    const tests = testsOf(result);
    const counts = count(tests);
    for (const key of Object.keys(total)) total[key] += counts[key];
    for (const { name, status, reason } of tests) {
      const title = `${result.name}: ${name}`;
      if (status === "failed") failures.push(`${title}${indented(reason)}`);
      if (status === "skipped") byReason.set(reason, [...(byReason.get(reason) ?? []), title]);
    }
    const said = `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
    rows.push(row(result.name, result.seconds, result.budget, said));
  }
  if (total.passed === 0) failures.push("nothing ran");
  for (const [reason, names] of byReason) {
    const known = BY_DESIGN.some((pattern) => pattern.test(reason));
    lines.push(`skipped ${names.length}: ${reason}`);
    // What holds on every machine is in the stage's own log; what this one is missing is told test by test.
    if (!known) for (const name of names) lines.push(`    ${name}`);
    if (known || !ci) continue;
    failures.push(...names.map((name) => `${name}: skipped, which CI=true does not allow: ${reason}`));
    total.skipped -= names.length;
    total.failed += names.length;
  }
  for (const failure of failures) lines.push(`failed: ${failure}`);
  lines.push("", `${"stage".padEnd(24)}   took  budget`, ...rows);
  lines.push(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  return { lines, ok: failures.length === 0 && total.failed === 0 };
}

export function row(name, seconds, budget, said) {
  const times = `${seconds.toFixed(0).padStart(5)} s ${String(budget).padStart(5)} s`;
  return `${name.padEnd(24)} ${times}  ${seconds > budget ? "OVER BUDGET  " : ""}${said}`.trimEnd();
}

function indented(reason = "") {
  const lines = reason.split("\n").slice(0, LINES);
  return lines.map((line) => `\n    ${line}`).join("");
}
