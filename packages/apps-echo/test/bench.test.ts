import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildNative } from "../src/bench/build-native.js";
import { Fleet } from "../src/bench/fleet.js";
import type { Server } from "../src/bench/servers.js";

const cli = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "demi-echo-bench-test-"));
afterAll(() => rmSync(directory, { recursive: true }));

interface Bench {
  child: ChildProcess;
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

function bench(...args: string[]): Bench {
  const child = spawn(process.execPath, [cli, "bench", "--libos", "posix", ...args], { cwd: directory });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (data) => (stdout += data));
  child.stderr.on("data", (data) => (stderr += data));
  return { child, ended: new Promise((resolve) => child.on("close", (code) => resolve({ code, stdout, stderr }))) };
}

test("demi-echo bench compares the servers in one run and reports every figure with its samples", async () => {
  const rows = [
    "--rows",
    "C epoll,node:net,demi-echo epoll",
    "--connections",
    "1,8",
    "--rounds",
    "2",
    "--seconds",
    "0.1",
  ];
  const { code, stdout, stderr } = await bench(...rows, "--seed", "3", "--json", "out.json", "--svg", "out.svg").ended;
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  const { circumstances, results } = JSON.parse(readFileSync(join(directory, "out.json"), "utf8"));
  expect(circumstances.kernel).toContain("Linux");
  expect(results.leftOut).toEqual([]);
  expect(results.comparisons.map((one: { connections: number }) => one.connections)).toEqual([1, 8]);
  for (const comparison of results.comparisons) {
    expect(comparison.rows.map((row: { server: string }) => row.server)).toEqual([
      "C epoll",
      "node:net",
      "demi-echo epoll",
    ]);
    for (const { cpuPerRequest, p50, latency } of comparison.rows) {
      expect(cpuPerRequest.samples).toHaveLength(2);
      expect(cpuPerRequest.median).toBeGreaterThan(0.1);
      expect(latency.count).toBeGreaterThan(0);
      expect(latency.min).toBeLessThanOrEqual(p50.median);
    }
    const [c, node, ours] = comparison.rows;
    // Ratios are of the same round: they can be had from the samples.
    for (const round of [0, 1]) {
      const cpu = (row: typeof ours): number => row.cpuPerRequest.samples[round];
      expect(ours.cpuRatios.toBestC.samples[round]).toBeCloseTo(cpu(ours) / cpu(c), 9);
      expect(ours.cpuRatios.nodeNetTo.samples[round]).toBeCloseTo(cpu(node) / cpu(ours), 9);
    }
  }
  expect(results.busy.rows.map((row: { server: string }) => row.server)).toEqual([
    "C epoll busy",
    "node:net",
    "demi-echo epoll poll",
  ]);
  expect(existsSync(join(directory, "bench-results"))).toBe(false);
  expect(stdout).toMatch(/seed 3$/m);
  expect(readFileSync(join(directory, "out.svg"), "utf8")).toContain("demi-echo epoll");
  expect(existsSync(join(directory, "out-busy.svg"))).toBe(true);
}, 60_000);

test("demi-echo bench runs our server and our client as it is told", async () => {
  const config = join(directory, "epoll.yaml");
  writeFileSync(config, "posix: { engine: epoll }\n");
  const device = ["--config", config, "--host", "127.0.0.2", "--client-config", config];
  const load = ["--rows", "C epoll,demi-echo", "--connections", "8", "--rounds", "2", "--seconds", "0.1"];
  const files = ["--json", "device.json", "--svg", "device.svg"];
  const { code, stdout, stderr } = await bench(...device, ...load, ...files).ended;
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^demi-echo epoll: 127\.0\.0\.2, demi-echo client; the others: loopback, C client$/m);
  const { results } = JSON.parse(readFileSync(join(directory, "device.json"), "utf8"));
  expect(results.leftOut).toEqual([]);
  const [c, ours] = results.comparisons[0].rows;
  expect([c.server, ours.server]).toEqual(["C epoll", "demi-echo epoll"]);
  // The client tells the percentiles of each round; all rounds together are told from parts of equal count.
  expect(ours.latency.p50).toBeGreaterThanOrEqual(Math.min(...ours.p50.samples) * 0.9);
  expect(ours.latency.p50).toBeLessThanOrEqual(Math.max(...ours.p50.samples) * 1.1);
  expect(ours.latency.count).toBeGreaterThan(0);
}, 120_000);

test("an interrupted benchmark leaves no process behind", async () => {
  const { child, ended } = bench("--rows", "C epoll,node:net", "--rounds", "100", "--json", "none.json");
  const children = (): number[] =>
    readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "latin1")
      .trim()
      .split(" ")
      .filter(Boolean)
      .map(Number);
  let running: number[] = [];
  // Two servers and the load generator.
  for (let tries = 0; tries < 300 && running.length < 3; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    running = children();
  }
  expect(running.length).toBeGreaterThanOrEqual(3);
  child.kill("SIGINT");
  expect((await ended).code).toBe(130);
  // They die at once, but whoever inherits them may take its time to bury them.
  for (let tries = 0; tries < 100 && running.length > 0; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    running = running.filter((pid) => existsSync(`/proc/${pid}`));
  }
  expect(running).toEqual([]);
  expect(existsSync(join(directory, "none.json"))).toBe(false);
}, 60_000);

test.each([
  [["--connections", "0"], /whole number from 1/],
  [["--connections", "1,,2"], /separated by single commas/],
  [["--seconds", "0"], /from 0.05 to 60/],
  [["--rows", "no such server"], /--rows leaves no server/],
  [["--libos", "nothing"], /"nothing" is not installed/],
])("demi-echo bench refuses %j", async (args, said) => {
  const { code, stderr } = await bench(...args).ended;
  expect(code).toBe(1);
  expect(stderr).toMatch(said);
});

describe("a server", () => {
  const server = (name: string, script: string): Server => {
    const file = join(directory, `${name}.mjs`);
    writeFileSync(file, script);
    return { name, side: "ours", spins: false, command: process.execPath, args: [file] };
  };
  const echo = (then: string): string => `
    import { createServer } from "node:net";
    const server = createServer({ noDelay: true }, (socket) => { socket.on("error", () => {}); socket.pipe(socket); });
    server.listen(0, "127.0.0.1", () => console.log("listening 127.0.0.1:" + server.address().port));
    ${then}`;
  const { load: program } = buildNative();
  const load = { program, cpu: undefined, connections: 2, size: 64, seconds: 0.2, warmup: 0, busy: false };

  test("that dies under load ends the benchmark, with its last words", async () => {
    const fleet = new Fleet(undefined);
    const dying = server("dying", echo(`setTimeout(() => { console.error("out of luck"); process.exit(7); }, 1500);`));
    try {
      await fleet.start([dying], load);
      await expect(fleet.measure(dying, { ...load, seconds: 5 })).rejects.toThrow(
        /^dying ended by itself .*7.*out of luck/,
      );
    } finally {
      await fleet.stop();
    }
  });

  test("whose name another has ends the benchmark, and neither stays behind", async () => {
    const fleet = new Fleet(undefined);
    const twin = server(
      "twin",
      echo(`import { writeFileSync } from "node:fs"; writeFileSync("twin-" + process.pid, "");`),
    );
    const cwd = process.cwd();
    process.chdir(directory);
    try {
      await expect(fleet.start([twin, twin], load)).rejects.toThrow(/^two servers are called twin$/);
    } finally {
      process.chdir(cwd);
      await fleet.stop();
    }
    const pids = readdirSync(directory).flatMap((file) => /^twin-(\d+)$/.exec(file)?.[1] ?? []);
    expect(pids).toHaveLength(2);
    expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
  });

  test("that cannot start is left out, with the reason", async () => {
    const fleet = new Fleet(undefined);
    const good = server("good", echo(""));
    try {
      await fleet.start([server("bad", `console.error("no such device"); process.exit(1)`), good], load);
      expect(fleet.servers).toEqual([good]);
      expect(fleet.leftOut).toEqual([{ name: "bad", reason: "bad ended by itself (exit status 1: no such device)" }]);
      expect((await fleet.measure(good, load)).requests).toBeGreaterThan(0);
    } finally {
      await fleet.stop();
    }
  });
});
