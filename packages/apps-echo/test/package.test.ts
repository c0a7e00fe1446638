/** What is published: packed, installed by npm into an empty project on a machine without a compiler, and run. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { bareSystem, emptyProject, installed, npmInstall, pack, run } from "./packed.js";
import { endAll, Program, temporaryDirectory } from "./program.js";

const dir = temporaryDirectory();
const PACKAGES = ["core", "bench", "libos-posix", "apps-echo"];
const FORBIDDEN = ["cc", "gcc", "g++", "clang", "make", "cmake", "ninja", "python3"];

/** What core needs to run, and under each what that needs. */
const CORE_NEEDS = {
  commander: [],
  "node-gyp-build": [],
  yaml: [],
};

let project: string;
let environment: NodeJS.ProcessEnv;

beforeAll(() => {
  project = emptyProject(dir);
  environment = bareSystem(dir);
  npmInstall([...pack(PACKAGES).values()], project, environment);
}, 240_000);

afterEach(endAll);

test("the machine has no compiler", () => {
  for (const command of FORBIDDEN) {
    expect(spawnSync("sh", ["-c", `command -v ${command}`], { env: environment }).status).not.toBe(0);
  }
});

test("the packages bring no sources of tests, no link to this checkout, and only what they declare", () => {
  for (const name of PACKAGES) {
    const folder = realpathSync(join(project, "node_modules/@demikernel", name));
    expect(folder.startsWith(realpathSync(project))).toBe(true);
    const manifest = readFileSync(join(folder, "package.json"), "utf8");
    expect(manifest).not.toMatch(/workspace:/);
    expect(readdirSync(folder)).not.toEqual(expect.arrayContaining(["test"]));
    expect(readdirSync(folder)).toEqual(expect.arrayContaining(["dist", "README.md"]));
  }
});

test("core alone brings the packages it declares, what those need, and nothing else", () => {
  const alone = emptyProject(dir, "core-alone");
  npmInstall([...pack(["core"]).values()], alone, environment);
  const manifest = JSON.parse(readFileSync(join(alone, "node_modules/@demikernel/core/package.json"), "utf8"));
  expect(Object.keys(manifest.dependencies).sort()).toEqual(Object.keys(CORE_NEEDS));
  expect(installed(alone)).toEqual(["@demikernel/core", ...Object.entries(CORE_NEEDS).flat(2)].sort());
  const info = run("npx", ["demikernel", "info", "--json"], { cwd: alone, env: environment });
  expect(JSON.parse(info.stdout)).toMatchObject({ backends: [{ name: "memory", engine: "memory" }] });
});

test("npx demi-echo serves nc, and its client its server", async () => {
  const server = new Program(join(dir, "bin/npx"), ["demi-echo", "server", "--port", "0"], {
    cwd: project,
    env: environment,
    bare: true,
    group: true,
  });
  const [, port] = await server.says(/listening on 127\.0\.0\.1:(\d+) \(posix/);
  const nc = await new Program("nc", ["-N", "-w", "5", "127.0.0.1", port as string], { input: "installed\n" }).exited;
  expect(nc.stdout).toBe("installed\n");
  const client = run("npx", ["demi-echo", "client", "--port", port as string, "-i", "500", "--json"], {
    cwd: project,
    env: environment,
  });
  expect(JSON.parse(client.stdout)).toMatchObject({ libos: "posix", completed: 500, mismatches: 0 });
  const ended = await server.end("SIGINT");
  expect(ended.stdout).toMatch(/left open: 0 queues, 0 outstanding/);
});

function freePort(): Promise<string> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(`${port}`));
    });
  });
}

test("the first program of core's README runs as it stands there, but for the port", async () => {
  const readme = readFileSync(join(project, "node_modules/@demikernel/core/README.md"), "utf8");
  const program = /^```(?:js|ts|javascript|mjs)\b[^\n]*\n([\s\S]*?)^```/m.exec(readme)?.[1];
  if (program === undefined) throw new Error("core's README has no JavaScript program");
  const port = await freePort();
  expect(program).toMatch(/port: \d+/);
  writeFileSync(join(project, "first.mjs"), program.replace(/port: \d+/, `port: ${port}`));
  const server = new Program(join(dir, "bin/node"), ["first.mjs"], { cwd: project, env: environment, bare: true });
  let answer = "";
  for (let tries = 0; tries < 50 && answer === ""; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    answer = (await new Program("nc", ["-N", "-w", "5", "127.0.0.1", port], { input: "twelve lines\n" }).exited).stdout;
  }
  expect({ answer, stderr: server.stderr }).toEqual({ answer: "twelve lines\n", stderr: "" });
});
