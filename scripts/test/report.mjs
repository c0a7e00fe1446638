#!/usr/bin/env node
// What a stage of scripts/test.sh says of its tests: one line of JSON, at the end of the file that DEMI_REPORT names. Without the variable
// nothing is written: whoever runs a test by hand reads what it prints.
//
//   {"tests":[{"name":"group > test","status":"passed|failed|skipped","reason":"why it failed, or was skipped","seconds":0.2}]}
//
// `seconds` only where the runner tells; slowest.mjs sorts by it.
// For scripts without JSON: `report.mjs < LINES`, each line "status<TAB>name<TAB>reason".
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

/** @typedef {{ name: string, status: "passed" | "failed" | "skipped", reason?: string, seconds?: number }} Test */

/** @param {Test[]} tests */
export function report(tests, file = process.env.DEMI_REPORT) {
  if (file) appendFileSync(file, `${JSON.stringify({ tests })}\n`);
}

/** All tests that were reported to a file. @returns {Test[]} */
export function reported(file) {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").flatMap((line) => JSON.parse(line).tests);
}

export function count(tests) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const { status } of tests) counts[status] += 1;
  return counts;
}

/** A test's name with its reason in parentheses at the end, as Jest's skipped tests carry it. */
export function splitReason(title) {
  const [, name, reason] = /^(.*?)(?: \((.*)\))?$/s.exec(title);
  return { name, reason };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const lines = readFileSync(0, "utf8").split("\n").filter(Boolean);
  report(
    lines.map((line) => {
      const [status, name, reason] = line.split("\t");
      return { name, status, reason };
    }),
  );
}
