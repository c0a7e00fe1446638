import { Child } from "../src/child.js";
import { GarbageObserver } from "../src/gc.js";
import { allowedCpus, canPin, parseCpuList, pinned } from "../src/pin.js";
import { Progress } from "../src/progress.js";
import { processCpuNanoseconds, threadCpuNanoseconds } from "../src/schedstat.js";

const children: Child[] = [];
function start(name: string, script: string, cpu?: number): Child {
  const child = new Child({ name, command: process.execPath, args: ["-e", script], cpu });
  children.push(child);
  return child;
}

afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.stop()));
});

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("schedstat", () => {
  test("moves with a child that burns CPU, and stands with one that sleeps", async () => {
    const burning = start("burner", `console.log("ready"); const end = Date.now() + 20000; while (Date.now() < end);`);
    const idle = start("sleeper", `console.log("ready"); setTimeout(() => {}, 20000);`);
    await Promise.all([burning.ready(/ready/), idle.ready(/ready/)]);
    const before = [burning, idle].map(({ pid }) => processCpuNanoseconds(pid));
    const started = performance.now();
    // The machine may be busy: a burner gets less than all of the time, but it gets its share in the end.
    let used = [0, 0];
    while (used[0] < 200e6 && performance.now() - started < 10_000) {
      await sleep(100);
      used = [burning, idle].map(({ pid }, index) => processCpuNanoseconds(pid) - before[index]);
    }
    expect(used[0]).toBeGreaterThanOrEqual(200e6);
    // One thread, a clock tick early at most; the other threads of V8 compile a little.
    expect(used[0]).toBeLessThan((performance.now() - started + 50) * 1e6 * 1.5);
    expect(used[1]).toBeLessThan(used[0] / 2);
  }, 20_000);

  test("sums over threads", async () => {
    const script = `const { Worker } = require("node:worker_threads");
      new Worker("const end = Date.now() + 20000; while (Date.now() < end);", { eval: true }).on("online", () => console.log("ready"));`;
    const child = start("worker", script);
    await child.ready(/ready/);
    const before = [processCpuNanoseconds(child.pid), threadCpuNanoseconds(child.pid, child.pid)];
    const started = performance.now();
    let all = 0;
    while (all < 100e6 && performance.now() - started < 10_000) {
      await sleep(50);
      all = processCpuNanoseconds(child.pid) - before[0];
    }
    expect(all).toBeGreaterThanOrEqual(100e6);
    expect(threadCpuNanoseconds(child.pid, child.pid) - before[1]).toBeLessThan(all / 2);
  }, 20_000);

  test("says when a process is gone", async () => {
    const child = start("short", "");
    await child.output();
    expect(() => processCpuNanoseconds(child.pid)).toThrow(/ENOENT|ESRCH/);
  });
});

describe("pinning", () => {
  test("reads the kernel's CPU lists", () => {
    expect(parseCpuList("0-2,5")).toEqual([0, 1, 2, 5]);
    expect(parseCpuList("3")).toEqual([3]);
    expect(() => parseCpuList("a-b")).toThrow(RangeError);
    expect(allowedCpus().length).toBeGreaterThan(0);
  });

  test("starts a child on the CPU, under the command's own pid", async () => {
    const [cpu] = allowedCpus().slice(-1);
    const child = start("pinned", `console.log("pid", process.pid); setTimeout(() => {}, 20000)`, cpu);
    const [, pid] = await child.ready(/^pid (\d+)$/);
    expect(Number(pid)).toBe(child.pid);
    // Without taskset the child runs all the same, wherever it may.
    expect(allowedCpus(child.pid)).toEqual(canPin() ? [cpu] : allowedCpus());
    expect(pinned(undefined, "true", ["x"])).toEqual(["true", ["x"]]);
  });
});

describe("children", () => {
  test("that die are reported with what they said", async () => {
    const child = start("server", `console.error("cannot bind: EADDRINUSE"); process.exit(3)`);
    await expect(child.ready(/listening/)).rejects.toThrow(
      /^server ended by itself \(exit status 3: cannot bind: EADDRINUSE\)$/,
    );
    await expect(child.whileAlive(new Promise(() => {}))).rejects.toThrow("ended by itself");
  });

  test("that do not exist are reported", async () => {
    const child = new Child({ name: "nothing", command: "/nonexistent/demi-echo", args: [] });
    await expect(child.ready(/x/)).rejects.toThrow(/nothing ended by itself/);
  });

  test("that are not ready in time are reported", async () => {
    const child = start("slow", "setTimeout(() => {}, 20000)");
    await expect(child.ready(/listening/, 50)).rejects.toThrow("slow was not ready after 50 ms");
  });

  test("that ignore SIGTERM are stopped all the same", async () => {
    const child = start(
      "stubborn",
      `process.on("SIGTERM", () => {}); console.log("ready"); setInterval(() => {}, 1000)`,
    );
    await child.ready(/ready/);
    await child.stop();
    expect(await child.ended).toEqual({ code: null, signal: "SIGKILL" });
  });

  test("give their output", async () => {
    await expect(start("speaker", `console.log("a"); console.log("b")`).output()).resolves.toBe("a\nb");
    await expect(start("failing", "process.exit(2)").output()).rejects.toThrow("failing failed (exit status 2)");
  });
});

test("garbage collections are counted", async () => {
  const observer = new GarbageObserver();
  let kept: number[][] = [];
  for (let i = 0; i < 300_000; i++) {
    kept.push(new Array(16).fill(i));
    if (kept.length > 1000) kept = [];
  }
  const seen = await observer.stop();
  expect(seen.scavenges).toBeGreaterThan(0);
  expect(seen.count).toBeGreaterThanOrEqual(seen.scavenges);
  expect(seen.longest).toBeGreaterThan(0);
  expect(seen.total).toBeGreaterThanOrEqual(seen.longest);
});

test("progress rewrites one line on a terminal and writes few lines elsewhere", () => {
  let written = "";
  const write = (text: string) => {
    written += text;
  };
  const onTerminal = new Progress(2, { isTTY: true, columns: 30, write });
  onTerminal.step("a name that is too long for the line");
  onTerminal.step("b");
  onTerminal.done();
  expect(written).not.toContain("\n");
  expect(written.split("\r\x1b[K").every((line) => line.length < 30)).toBe(true);
  expect(written).toContain(" 50% 2/2");

  written = "";
  const elsewhere = new Progress(100, { write });
  for (let step = 0; step < 100; step++) elsewhere.step(`step ${step}`);
  elsewhere.done();
  expect(written.split("\n")).toHaveLength(2);
  expect(written).toMatch(/^ {2}0% 1\/100 0 s {2}step 0\n$/);
});
