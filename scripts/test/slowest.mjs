#!/usr/bin/env node
// The tests of the last run that took longest, of those whose runner tells: `slowest.mjs [N] [stage...]`, by default 30 of all stages.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { reported } from "./report.mjs";

const results = fileURLToPath(new URL("../../.test-results", import.meta.url));
const words = process.argv.slice(2);
const most = /^\d+$/.test(words[0] ?? "") ? Number(words.shift()) : 30;
const stages = readdirSync(results)
  .filter((file) => file.endsWith(".report"))
  .map((file) => file.slice(0, -".report".length))
  .filter((stage) => words.length === 0 || words.includes(stage));
const tests = stages.flatMap((stage) =>
  reported(join(results, `${stage}.report`))
    .filter(({ seconds }) => seconds !== undefined)
    .map((test) => ({ ...test, stage })),
);
tests.sort((a, b) => b.seconds - a.seconds);
for (const { seconds, stage, name } of tests.slice(0, most))
  console.log(`${seconds.toFixed(1).padStart(6)} s  ${stage}: ${name}`);
