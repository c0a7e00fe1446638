import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../bench/boundary.mjs", import.meta.url));

function boundary(cwd: string, args: string[]) {
  return spawnSync(process.execPath, [program, ...args], { cwd, encoding: "utf8", timeout: 60_000 });
}

test("the boundary benchmark measures every way of using the queues, and judges what it measured", () => {
  const directory = mkdtempSync(join(tmpdir(), "demi-boundary-"));
  try {
    const { status, stdout, stderr } = boundary(directory, ["--quick", "--seed", "7", "--json", "out.json"]);
    expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
    const { results } = JSON.parse(readFileSync(join(directory, "out.json"), "utf8"));
    expect(results.seed).toBe(7);
    expect(results.rows.map((row: { way: string; batch: number }) => `${row.way} ${row.batch}`)).toEqual([
      ...[1, 4, 16, 64, 256].flatMap((batch) => [`run loop ${batch}`, `run loop, pushes complete ${batch}`]),
      "calls (push, pop, wait) 1",
      "promises (os.async) 1",
      "promises (os.async) 64",
    ]);
    for (const { nanoseconds } of results.rows) {
      // A pair cannot be cheaper than a few instructions, nor dearer than a context switch in this process.
      expect(nanoseconds.median).toBeGreaterThan(1);
      expect(nanoseconds.median).toBeLessThan(100_000);
      expect(nanoseconds.samples).toHaveLength(3);
    }
    expect(results.goals).toHaveLength(7);
    for (const { value, limit, relation, pass } of results.goals) {
      expect(pass).toBe(relation === "at most" ? value <= limit : value >= limit);
    }
    expect(stdout.match(/^(PASS|MISS) /gm)).toHaveLength(7);
    expect(existsSync(join(directory, "bench-results", "boundary.svg"))).toBe(true);
  } finally {
    rmSync(directory, { recursive: true });
  }
}, 60_000);

test("the boundary benchmark refuses options it does not understand", () => {
  const { status, stderr } = boundary(tmpdir(), ["--repetitions", "many"]);
  expect(status).toBe(1);
  expect(stderr).toContain("whole number");
});
