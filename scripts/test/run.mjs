#!/usr/bin/env node
// The stages of scripts/test.sh, which has prepared the machine and built everything before.
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Lanes } from "./lanes.mjs";
import { allStages } from "./stages.mjs";
import { row, summarise, testsOf } from "./summary.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const results = join(root, ".test-results");

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    changed: { type: "boolean" },
    list: { type: "boolean" },
    // What came before, "name=seconds/budget": from test.sh.
    took: { type: "string", multiple: true, default: [] },
  },
});

const stages = chosen(allStages(root));
if (values.list) {
  for (const { name, owner, budget, quiet } of stages)
    console.log(`${name.padEnd(24)} ${owner.padEnd(14)} ${String(budget).padStart(5)} s${quiet ? "  alone" : ""}`);
  process.exit();
}

rmSync(results, { recursive: true, force: true });
const lanes = new Lanes({ root, results, done: tell });
for (const [signal, status] of Object.entries({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 })) {
  process.once(signal, async () => {
    console.error(`\ntest.sh: ${signal}: ending what runs`);
    await lanes.interrupt();
    process.exit(status);
  });
}
console.log(`== ${stages.length} stages, two side by side; output and reports in ${relative(root, results)}/`);
const ended = await lanes.run(stages);

console.log("== summary");
const took = values.took.map((each) => {
  const [, name, seconds, budget] = /^(.*)=(\d+)\/(\d+)$/.exec(each);
  return { name, seconds: Number(seconds), budget: Number(budget) };
});
const { lines, ok } = summarise(ended, { took, ci: process.env.CI === "true" });
for (const line of lines) console.log(line);
process.exitCode = ok ? 0 : 1;

/** When a stage has ended: its line here, its line of JSON in the results, and when it failed the end of its output. */
function tell(result) {
  const { name, seconds, budget, ended, log } = result;
  const tests = testsOf(result);
  const failed = tests.filter(({ status }) => status === "failed").length;
  appendFileSync(join(results, "stages.jsonl"), `${JSON.stringify({ stage: name, seconds, budget, ended, tests })}\n`);
  if (failed > 0) {
    const lines = readFileSync(log, "utf8").trimEnd().split("\n");
    console.log(lines.slice(-120).join("\n"));
  }
  console.log(
    row(name, seconds, budget, failed > 0 ? `FAILED: ${failed}${ended ? `, ended with ${ended}` : ""}` : "ok"),
  );
}

/** The stages that the command line asks for. */
function chosen(stages) {
  const known = new Set(stages.map(({ owner }) => owner));
  const owners = positionals.map((name) => name.replace(/^(@demikernel|packages)\//, "").replace(/\/$/, ""));
  for (const owner of owners) {
    if (known.has(owner)) continue;
    console.error(`test.sh: no package "${owner}"; there are ${[...known].join(", ")}`);
    process.exit(2);
  }
  if (values.changed) owners.push(...changed());
  if (owners.length === 0 && !values.changed) return stages;
  return stages.filter(({ owner, name }) => owners.includes(owner) || name.startsWith("lint-"));
}

/**
 * Owners of what has changed since the branch left its upstream, committed or not, and of what depends on it: turbo knows of packages.
 * Documentation belongs to the repository; any other file outside the packages may change everything.
 */
function changed() {
  const base = git("merge-base", "HEAD", "@{upstream}") ?? "HEAD";
  const files = `${git("diff", "--name-only", base)}\n${git("ls-files", "--others", "--exclude-standard")}`
    .split("\n")
    .filter(Boolean);
  const owners = new Set();
  for (const file of files) {
    if (file.endsWith(".md") || file.startsWith("docs/")) owners.add("repository");
    else if (!file.startsWith("packages/")) for (const { owner } of allStages(root)) owners.add(owner);
  }
  const turbo = join(root, "node_modules/.bin/turbo");
  if (!existsSync(turbo)) {
    console.error(
      "test.sh: --changed asks turbo, which is not installed yet: scripts/test.sh without --list installs it",
    );
    process.exit(2);
  }
  const said = execFileSync(turbo, ["ls", `--filter=...[${base}]`, "--output=json"], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  for (const { name } of JSON.parse(said.slice(said.indexOf("{"))).packages.items)
    owners.add(name.replace("@demikernel/", ""));
  console.log(`== changed since ${base.slice(0, 12)}: ${[...owners].join(", ") || "nothing"}`);
  return owners;
}

function git(...args) {
  try {
    return execFileSync("git", args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return undefined;
  }
}
