// What scripts/test.sh runs. CONTRIBUTING.md, "The time of a test run", says how a budget is set.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * @typedef {object} Stage
 * @property {string} name
 * @property {string} owner Whose it is: a folder of packages/, or "repository".
 * @property {number} budget Seconds it may take on two quiet processors, with another stage beside it. More is said, and is no failure.
 * @property {number} limit Seconds after which it is ended, and has failed: many times the budget, for a machine that is busy.
 * @property {string[]} command
 * @property {string} folder Below the repository's.
 * @property {string[]} uses What no two stages may use at the same time.
 * @property {boolean} quiet It measures time, so nothing runs beside it.
 */

/** Seconds of budget: by stage, what the median of five runs took, and half as much again. */
const BUDGETS = {
  "lint-biome": 15,
  "lint-types": 60,
  "lint-clang-format": 15,
  readme: 90,
  "lab-vm": 150,
};

/** @returns {Stage[]} */
export function allStages(root) {
  const stages = [];
  const add = (name, owner, command, more = {}) => {
    const budget = BUDGETS[name] ?? 180;
    stages.push({ name, owner, budget, limit: 10 * budget, command, folder: ".", uses: [], quiet: false, ...more });
  };
  add("lint-biome", "repository", ["pnpm", "exec", "biome", "check", "."]);
  add("lint-types", "repository", ["pnpm", "exec", "turbo", "run", "lint", "--output-logs=errors-only"]);
  add("lint-clang-format", "repository", ["scripts/format-native.sh", "--check"]);
  add("readme", "repository", ["node", "scripts/readme-test.mjs"]);
  // A machine with devices this one has not, emulated: docs/lab-vm.md.
  add("lab-vm", "repository", ["tools/lab-vm/test.sh"]);
  for (const owner of readdirSync(join(root, "packages")).sort()) {
    const folder = `packages/${owner}`;
    const manifest = join(root, folder, "package.json");
    if (!existsSync(manifest)) continue;
    const { scripts = {} } = JSON.parse(readFileSync(manifest, "utf8"));
    if (scripts.test) add(`jest-${owner}`, owner, ["pnpm", "run", "test"], { folder });
    if (scripts["test:native"]) add(`native-${owner}`, owner, ["pnpm", "run", "test:native"], { folder });
    if (existsSync(join(root, folder, "test/guest/test.sh")))
      add(`guest-${owner}`, owner, ["test/guest/test.sh"], { folder });
  }
  return stages;
}
