/** The package's benchmark, on so little that it says whether it works and nothing else. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { lackingRedis } from "./redis-program.js";

const PROGRAM = fileURLToPath(new URL("../bench/redis.mjs", import.meta.url));

interface Row {
  name: string;
  test: string;
  pipeline: number;
  cpu: { samples: number[] };
  rps: { samples: number[] };
}

const lacking = lackingRedis();
if (lacking !== undefined && process.env.CI !== "true") console.warn(`SKIP: the benchmark of speed: ${lacking}`);

(lacking !== undefined && process.env.CI !== "true" ? test.skip : test)("the benchmark of speed gives figures", () => {
  const folder = mkdtempSync(join(tmpdir(), "demi-redis-bench-test-"));
  try {
    const json = join(folder, "redis.json");
    const little = ["--tests", "GET,LPUSH", "--pipelines", "16", "--requests", "1000"];
    const files = ["--json", json, "--svg", join(folder, "redis.svg")];
    const args = [PROGRAM, "--quick", "--only", "speed", ...little, ...files];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect({ status, stderr: status === 0 ? "" : stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^(PASS|MISS) {2}GET, pipeline 16: CPU \/ redis: /m);
    const rows = JSON.parse(readFileSync(json, "utf8")).results.speed as Row[];
    const found = rows.map(({ test, pipeline, name }) => `${test} ${pipeline} ${name}`);
    expect(found.sort()).toEqual(
      ["GET", "LPUSH"].flatMap((test) => [`${test} 16 demi-redis`, `${test} 16 redis-server`]),
    );
    for (const { cpu, rps } of rows) {
      for (const values of [cpu.samples, rps.samples]) {
        expect(values).toHaveLength(2);
        expect(Math.min(...values)).toBeGreaterThan(0);
      }
    }
    expect(readFileSync(join(folder, "redis.svg"), "latin1")).toMatch(/^<svg /);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
