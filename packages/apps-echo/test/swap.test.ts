/**
 * Somebody else's backend: built outside this repository from core's headers, and taken by an application in exchange for ours by
 * changing one line of its package.json.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { endAll, Program, packageDir, temporaryDirectory } from "./program.js";

const dir = temporaryDirectory();
const packages = join(packageDir, "..");
const core = realpathSync(join(packages, "core"));

afterEach(endAll);

/** As a package manager would: node_modules/<name> of `project`. */
function install(project: string, name: string, target: string): void {
  const link = join(project, "node_modules", name);
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(realpathSync(target), link);
}

function buildTiny(): string {
  const tiny = join(dir, "libos-tiny");
  cpSync(join(packages, "../docs/examples/libos-tiny"), tiny, {
    recursive: true,
    filter: (path) => !/node_modules|build$|prebuilds$/.test(path.slice(packages.length)),
  });
  install(tiny, "@demikernel/core", core);
  install(tiny, "@demikernel/conformance", join(packages, "conformance"));
  for (const tool of ["node-gyp-build", "cmake-js", "node-addon-api", "node-api-headers"]) {
    install(tiny, tool, join(core, "node_modules", tool));
  }
  const built = spawnSync(process.execPath, [join(tiny, "node_modules/cmake-js/bin/cmake-js"), "compile"], {
    cwd: tiny,
    encoding: "utf8",
  });
  if (built.status !== 0) throw new Error(`libos-tiny does not build:\n${built.stdout}\n${built.stderr}`);
  return tiny;
}

function manifest(backendLine: string): string {
  return `{
  "name": "an-application",
  "private": true,
  "type": "module",
  "dependencies": {
    "@demikernel/core": "^0.1.0",
    ${backendLine}
  }
}
`;
}

let tiny: string;
beforeAll(() => {
  tiny = buildTiny();
}, 120_000);

test("the other backend passes the conformance suite", async () => {
  const { code, stdout } = await new Program(process.execPath, ["--test", "test/"], { cwd: tiny }).exited;
  const count = (what: string) => Number(new RegExp(`^# ${what} (\\d+)$`, "m").exec(stdout)?.[1]);
  for (const failure of stdout.match(/^ *not ok .*\n( *---\n[\s\S]*?\n *\.\.\.)?/gm) ?? []) console.log(failure);
  console.log(`libos-tiny: ${count("pass")} cases passed, ${count("fail")} failed, ${count("skipped")} skipped`);
  expect({ code, failed: count("fail") }).toEqual({ code: 0, failed: 0 });
  expect(count("pass")).toBeGreaterThan(50);
}, 240_000);

test("one line of the application's package.json swaps the backend", async () => {
  const app = join(dir, "app");
  mkdirSync(app);
  copyFileSync(join(packageDir, "test/fixtures/server.mjs"), join(app, "server.mjs"));
  install(app, "@demikernel/core", core);
  install(app, "@demikernel/libos-posix", join(packages, "libos-posix"));
  install(app, "libos-tiny", tiny);
  const code = readFileSync(join(app, "server.mjs"));

  for (const [line, backend] of [
    ['"@demikernel/libos-posix": "^0.1.0"', /\(posix, (io_uring|epoll)\)/],
    ['"libos-tiny": "^0.1.0"', /\(tiny, poll\)/],
  ] as const) {
    writeFileSync(join(app, "package.json"), manifest(line));
    const server = new Program(process.execPath, ["server.mjs"], { cwd: app, env: { LIBOS: "", DEMI_CONFIG: "" } });
    const [, port] = await server.says(/listening on 127\.0\.0\.1:(\d+)/);
    expect(server.stdout).toMatch(backend);
    for (let i = 0; i < 3; i++) {
      const input = `hello ${i} `.repeat(20_000); // more than one pop
      const nc = await new Program("nc", ["-N", "-w", "5", "127.0.0.1", port as string], { input }).exited;
      expect(nc.stdout === input).toBe(true);
    }
    expect(await server.end("SIGTERM")).toMatchObject({ code: 0, stderr: "" });
  }
  expect(readFileSync(join(app, "server.mjs")).equals(code)).toBe(true);
}, 120_000);

test("with both lines the application is asked to choose", async () => {
  const app = join(dir, "app");
  writeFileSync(
    join(app, "package.json"),
    manifest('"@demikernel/libos-posix": "^0.1.0",\n    "libos-tiny": "^0.1.0"'),
  );
  const unsure = await new Program(process.execPath, ["server.mjs"], { cwd: app, env: { LIBOS: "" } }).exited;
  expect(unsure.code).not.toBe(0);
  expect(unsure.stderr).toMatch(/several backends are installed: posix .*, tiny .*LIBOS=<name>/);
  const server = new Program(process.execPath, ["server.mjs"], { cwd: app, env: { LIBOS: "tiny" } });
  await server.says(/\(tiny, poll\)/);
});
