import { chmodSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Child } from "../src/child.js";
import { buildWithCMake } from "../src/cmake.js";
import { Generator } from "../src/generator.js";
import { parseComparisonOptions } from "../src/options.js";
import { raised, whileRunning } from "../src/priority.js";
import { builtPackage } from "../src/workspace.js";

const program = fileURLToPath(new URL("load-program.mjs", import.meta.url));
const load = { seconds: 0, warmup: 0 };

describe("a load generator", () => {
  let generator: Generator<typeof load & { wrong?: boolean; die?: boolean }, { about: unknown; pid: number }>;
  const start = (about: unknown) => {
    generator = new Generator({ name: "client", program, about });
    return generator;
  };
  afterEach(() => generator.stop());

  test("stays, knows what it was told, and answers each load", async () => {
    await start({ port: 7 }).ready();
    const samples = [await generator.measure(load), await generator.measure(load)];
    expect(samples).toEqual([
      { about: { port: 7 }, pid: generator.pid },
      { about: { port: 7 }, pid: generator.pid },
    ]);
  }, 30_000);

  test("says what went wrong, and goes on", async () => {
    await start({}).ready();
    await expect(generator.measure({ ...load, wrong: true })).rejects.toThrow(/^client: Error: wrong bytes came back/);
    expect((await generator.measure(load)).pid).toBe(generator.pid);
  }, 30_000);

  test("is reported when it dies, with its last words", async () => {
    await expect(start({ broken: true }).ready()).rejects.toThrow(
      /^client ended by itself \(exit status 1: [\s\S]*no such device/,
    );
    await start({}).ready();
    await expect(generator.measure({ ...load, die: true })).rejects.toThrow("client ended by itself (exit status 7");
  }, 30_000);
});

test("a server that spins runs only while it is measured", async () => {
  const script = `console.log("ready"); for (;;);`;
  const server = new Child({ name: "server", command: process.execPath, args: ["-e", script] });
  try {
    await server.ready(/ready/);
    const state = () => /^State:\s+(\S)/m.exec(readFileSync(`/proc/${server.pid}/status`, "latin1"))?.[1];
    const halted = async () => {
      for (const end = Date.now() + 10_000; state() !== "T" && Date.now() < end; )
        await new Promise((resolve) => setTimeout(resolve, 5));
      return state();
    };
    const measure = () => new Promise((resolve) => setTimeout(() => resolve(state()), 20));
    expect(await whileRunning(server, measure)).toBe("R");
    expect(await halted()).toBe("T");
    await expect(whileRunning(server, () => Promise.reject(new Error("no answer")))).rejects.toThrow("no answer");
    expect(await halted()).toBe("T");
  } finally {
    await server.stop();
  }
  // Also halted, SIGTERM was enough.
  expect((await server.ended).signal).toBe("SIGTERM");
}, 30_000);

test("without real-time priority a command line is as it was", () => {
  expect(raised("true", ["x"])).toEqual(["true", ["x"]]);
});

describe("native programs of a benchmark", () => {
  const folder = mkdtempSync(join(tmpdir(), "demi-cmake-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const cmake = join(folder, "cmake");
  const project = { sources: folder, build: folder, programs: ["echo"], install: "apt install cmake", cmake };
  const standIn = (script: string) => {
    writeFileSync(cmake, `#!/bin/sh\n${script}\n`);
    chmodSync(cmake, 0o755);
  };

  test("are built when they are missing, and when they are older than a source", () => {
    const program = join(folder, "echo");
    const record = join(folder, "calls");
    standIn(`echo "$@" >> ${record}; touch ${program}`);
    expect(buildWithCMake(project)).toEqual({ echo: program });
    expect(readFileSync(record, "latin1")).toBe(`-S ${folder} -B ${folder}\n--build ${folder} --parallel 2\n`);
    const [past, future] = [new Date(Date.now() - 60_000), new Date(Date.now() + 60_000)];
    for (const source of ["cmake", "calls"]) utimesSync(join(folder, source), past, past);
    const elsewhere = mkdtempSync(join(tmpdir(), "demi-cmake-sources-"));
    try {
      const unchanged = { ...project, sources: elsewhere };
      buildWithCMake(unchanged);
      expect(readFileSync(record, "latin1").split("\n")).toHaveLength(3);
      writeFileSync(join(elsewhere, "echo.cc"), "");
      utimesSync(join(elsewhere, "echo.cc"), future, future);
      buildWithCMake(unchanged);
      expect(readFileSync(record, "latin1").split("\n")).toHaveLength(5);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  test("that cannot be built are reported with what the compiler said", () => {
    rmSync(join(folder, "echo"), { force: true });
    standIn("echo 'no libfabric' >&2; exit 1");
    expect(() => buildWithCMake(project)).toThrow(/cmake -S .*: no libfabric \(apt install cmake\)$/);
    rmSync(cmake);
    expect(() => buildWithCMake(project)).toThrow(/ENOENT \(apt install cmake\)$/);
  });
});

test("a package of the workspace is found when it is built", () => {
  const from = new URL("../package.json", import.meta.url).href;
  expect(builtPackage("@demikernel/bench", "package.json", from)).toBe(fileURLToPath(new URL(".", from)).slice(0, -1));
  const absent = /^the benchmark runs .*: run it in the workspace, after pnpm install && pnpm build$/;
  expect(() => builtPackage("@demikernel/bench", "dist/no-such-program.js", from)).toThrow(absent);
  expect(() => builtPackage("@demikernel/no-such-application", "package.json", from)).toThrow(absent);
});

test("the command line of a comparison", () => {
  const kinds = { option: "wires", what: "wires", names: ["copper", "glass"], usual: ["glass"] };
  const parse = (...args: string[]) => parseComparisonOptions(kinds, args);
  const usual = { connections: [1, 16, 64], rounds: 5, seconds: 0.2, size: 64, kinds: ["glass"], realtime: false };
  expect(parse()).toEqual({ ...usual, seed: undefined, json: undefined, svg: undefined });
  expect(
    parse("--quick", "--wires", "copper, glass", "--connections", "2,4", "--seed", "0", "--realtime"),
  ).toMatchObject({ rounds: 3, kinds: ["copper", "glass"], connections: [2, 4], seed: 0, realtime: true });
  expect(parse("--help")).toBeUndefined();
  expect(() => parse("--wires", "string")).toThrow('--wires: "string" is none of copper, glass');
  expect(() => parse("--rounds", "0")).toThrow('--rounds: "0" is not a number from 1 to 1000');
  expect(() => parse("--size", "1.5")).toThrow("--size");
  expect(() => parse("--connections", "1,")).toThrow('--connections: ""');
  expect(() => parse("--pairs", "virtio")).toThrow("--pairs");
});
