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

/** Seconds of budget: what the stage took on two processors with nothing but the other lane beside it, and about a third more. */
const BUDGETS = {
  "lint-biome": 15,
  "lint-types": 120,
  "lint-clang-format": 15,
  readme: 210,
  "lab-vm": 180,
  "jest-apps-echo": 350,
  "bench-apps-echo": 170,
  "jest-apps-redis": 340,
  "jest-bench": 30,
  "jest-conformance": 60,
  "jest-core": 70,
  "jest-test-storage": 10,
  "jest-net": 200,
  "jest-libos-dpdk": 370,
  "jest-libos-posix": 200,
  "jest-libos-rdma": 150,
  "jest-libos-spdk": 170,
  "native-apps-redis": 100,
  "native-core": 100,
  "native-libos-dpdk": 130,
  "native-libos-posix": 100,
  "native-libos-rdma": 250,
  "native-libos-spdk": 170,
  "guest-apps-redis": 100,
  "guest-libos-dpdk": 560,
  "guest-libos-rdma": 800,
  "guest-libos-spdk": 360,
  "load-libos-rdma": 60,
};
const DEFAULT_BUDGET = 180;
/** A stage's limit, in budgets. */
const PATIENCE = 8;
/** Test files that measure, by package: benchmarks with a server and a client that spin, each on a separate processor. */
const MEASURING = { "apps-echo": "test/bench" };
/** A guest emulates two processors: two guests at a time would slow each other down beyond their limits. */
const GUEST = { uses: ["guest"] };

/** @returns {Stage[]} */
export function allStages(root) {
  const stages = [];
  const add = (name, owner, command, more = {}) => {
    const budget = BUDGETS[name] ?? DEFAULT_BUDGET;
    stages.push({
      name,
      owner,
      budget,
      limit: PATIENCE * budget,
      command,
      folder: ".",
      uses: [],
      quiet: false,
      ...more,
    });
  };
  add("lint-biome", "repository", ["pnpm", "exec", "biome", "check", "."]);
  add("lint-types", "repository", ["pnpm", "exec", "turbo", "run", "lint", "--output-logs=errors-only"]);
  add("lint-clang-format", "repository", ["scripts/format-native.sh", "--check"]);
  add("readme", "repository", ["node", "scripts/readme-test.mjs"]);
  // A machine with devices this one has not, emulated: docs/lab-vm.md.
  add("lab-vm", "repository", ["tools/lab-vm/test.sh"], GUEST);
  for (const owner of readdirSync(join(root, "packages")).sort()) {
    const folder = `packages/${owner}`;
    const manifest = join(root, folder, "package.json");
    if (!existsSync(manifest)) continue;
    const { scripts = {} } = JSON.parse(readFileSync(manifest, "utf8"));
    const script = (kind, name, args = [], more = {}) => {
      if (scripts[name]) add(`${kind}-${owner}`, owner, ["pnpm", "run", name, ...args], { folder, ...more });
    };
    const alone = MEASURING[owner];
    script("jest", "test", alone && [`--testPathIgnorePatterns=${alone}`]);
    if (alone) script("bench", "test", [`--testPathPatterns=${alone}`], { quiet: true });
    script("native", "test:native");
    script("guest", "test:guest", [], GUEST);
    // Two processes that spin: with anything beside them they take ten times as long.
    script("load", "test:load", [], { quiet: true });
  }
  return stages;
}
