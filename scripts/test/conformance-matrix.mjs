#!/usr/bin/env node
// What of the conformance suite ran where, from the results of a run of scripts/test.sh:
//
//   conformance-matrix.mjs [FILE]                     every case x target x thread, a line each: target, thread, status, case
//   conformance-matrix.mjs --table [FILE]             how many passed, by target, thread and subject, as Markdown
//   conformance-matrix.mjs --lost BEFORE [FILE]       what passed in BEFORE and does not in FILE, by target, thread and subject
//
// FILE is the stages.jsonl of a run, by default of the last one. A target is BACKEND/DEVICE; "memory" has no device.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { suite } from "../../packages/conformance/dist/index.js";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { table: { type: "boolean" }, lost: { type: "string" } },
});
const file = positionals[0] ?? fileURLToPath(new URL("../../.test-results/stages.jsonl", import.meta.url));
const subjects = new Map(suite.map(({ group, name, on }) => [`${group}: ${name}`, on]));

/** What ran in a run: `{target, thread, status, name}`. */
function ran(path) {
  const stages = readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  const found = [];
  for (const { name, status } of stages.flatMap(({ tests }) => tests)) {
    const match = /conformance of (\S+)( in a Worker)? > (.*) > (.*)$/s.exec(name);
    if (match === null) continue;
    const [, target, worker, group, test] = match;
    found.push({ target, thread: worker ? "Worker" : "main", status, name: `${group}: ${test}` });
  }
  return found;
}

const passed = (path) => ran(path).filter(({ status }) => status === "passed");
const subjectOf = ({ name }) => subjects.get(name) ?? "gone from the suite";

/** Counts by target, thread and subject, in the order of their names. */
function counted(cases) {
  const counts = new Map();
  for (const each of cases) {
    const key = [each.target, each.thread, subjectOf(each)].join("\t");
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
}

if (values.lost !== undefined) {
  const now = new Set(passed(file).map(({ target, thread, name }) => `${target}\t${thread}\t${name}`));
  const lost = passed(values.lost).filter(({ target, thread, name }) => !now.has(`${target}\t${thread}\t${name}`));
  for (const [key, count] of counted(lost)) console.log(`${key}\t${count}`);
  for (const each of lost.filter((one) => subjectOf(one) !== "runtime")) {
    console.log(`lost: ${each.target}\t${each.thread}\t${each.name}`);
  }
} else if (values.table) {
  console.log("| target | thread | about the runtime | about queues |\n|---|---|---:|---:|");
  const rows = new Map();
  for (const [key, count] of counted(passed(file))) {
    const [target, thread, subject] = key.split("\t");
    const row = `${target} | ${thread}`;
    rows.set(row, { ...rows.get(row), [subject]: count });
  }
  for (const [row, { runtime = 0, queues = 0 }] of rows) console.log(`| ${row} | ${runtime} | ${queues} |`);
  const of = (subject) => suite.filter(({ on }) => on === subject).length;
  console.log(`\nThe suite has ${of("runtime")} cases about the runtime and ${of("queues")} about queues.`);
} else {
  for (const { target, thread, status, name } of ran(file)) console.log([target, thread, status, name].join("\t"));
}
