// Runs the built command as users do: `pnpm build` first.
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { render } from "../src/cli/doctor.js";
import { table } from "../src/cli/report.js";

const core = fileURLToPath(new URL("..", import.meta.url));
const main = join(core, "dist/cli/main.js");
const version = (JSON.parse(readFileSync(join(core, "package.json"), "utf8")) as { version: string }).version;
let root: string;

beforeAll(() => {
  if (!existsSync(main)) throw new Error(`${main} is missing: build the package before this test`);
});

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "demi-cli-")));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, content: string | object): string {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, typeof content === "string" ? content : JSON.stringify(content));
  return full;
}

/** An application in `app` with one backend, whose addon is that of core: a real one. */
function installBackend(doctor: string, extra = ""): void {
  write("app/package.json", { name: "app", dependencies: { "demi-test": "*" } });
  write("app/node_modules/demi-test/package.json", {
    name: "demi-test",
    version: "3.2.1",
    type: "module",
    exports: "./index.js",
    demikernel: { libos: "test" },
  });
  write(
    "app/node_modules/demi-test/index.js",
    `import memory from ${JSON.stringify(join(core, "dist/memory.js"))};
     const backend = { ...memory, name: "test", version: "3.2.1", options: { speed: { enum: ["slow", "fast"] } },
       limits: () => ({ "largest message": "1 MiB", connections: 7 }), doctor() { ${doctor} } };
     ${extra}
     export default backend;`,
  );
}

function run(args: string[], options: { cwd?: string; env?: Record<string, string>; script?: string } = {}) {
  const { LIBOS: _libos, DEMI_CONFIG: _config, ...env } = process.env;
  const ran = spawnSync(process.execPath, [options.script ?? main, ...args], {
    cwd: options.cwd ?? join(root, "app"),
    env: { ...env, ...options.env },
    encoding: "utf8",
    timeout: 60_000,
  });
  return { code: ran.status, out: ran.stdout, err: ran.stderr };
}

interface Report {
  healthy: boolean;
  examinations: {
    subject: string;
    version?: string;
    checks: { name: string; status: string; message: string; fix?: string }[];
  }[];
}

function check(out: string, subject: string, name: string) {
  const examination = (JSON.parse(out) as Report).examinations.find((e) => e.subject === subject);
  return examination?.checks.find((c) => c.name === name);
}

const OK = `return [{ name: "device", status: "ok", message: "all there" }];`;

test("doctor: the machine and the installed backend, exit code 0", () => {
  installBackend(OK);
  const { code, out, err } = run(["doctor"]);
  expect(err).toBe("");
  expect(code).toBe(0);
  for (const row of [
    /^core +node +ok +Node\.js 2\d/m,
    /^core +addon +ok/m,
    /^core +memory +ok/m,
    /^test +device +ok +all there$/m,
  ]) {
    expect(out).toMatch(row);
  }
  expect(out).toMatch(/^test +addon +ok/m);
});

test("doctor: a warning is no failure, and the line that fixes it stands alone", () => {
  installBackend(
    `return [{ name: "pages", status: "warn", message: "no huge pages", fix: "sysctl -w vm.nr_hugepages=64" }];`,
  );
  const { code, out } = run(["doctor"]);
  expect(code).toBe(0);
  expect(out).toMatch(/^test +pages +warn +no huge pages$/m);
  expect(out).toMatch(/^ {2}sysctl -w vm\.nr_hugepages=64$/m);
});

test.each([
  ["a check fails", `return [{ name: "device", status: "fail", message: "no NIC" }];`, "device", /no NIC/],
  ["doctor() throws", `throw new Error("broken doctor");`, "doctor", /broken doctor/],
  ["doctor() rejects", `return Promise.reject(new Error("late doctor"));`, "doctor", /late doctor/],
  ["doctor() returns nonsense", `return [{ name: "x", status: "fine", message: "y" }];`, "doctor", /no check/],
  ["doctor() returns nothing", "", "doctor", /no list of checks/],
])("doctor: exit code 1 when %s", (_what, body, name, message) => {
  installBackend(body);
  const { code, out } = run(["doctor", "--json"]);
  expect(code).toBe(1);
  expect((JSON.parse(out) as Report).healthy).toBe(false);
  expect(check(out, "test", name)).toMatchObject({ status: "fail", message: expect.stringMatching(message) });
  expect(run(["doctor"]).out).toMatch(/FAIL/);
});

test("doctor: a backend whose addon does not load fails", () => {
  installBackend(OK, `backend.load = () => { throw new Error("libfoo.so.5: cannot open shared object file"); };`);
  const { code, out } = run(["doctor", "--json"]);
  expect(code).toBe(1);
  expect(check(out, "test", "addon")).toMatchObject({
    status: "fail",
    message: expect.stringContaining("libfoo.so.5"),
  });
});

test("doctor: no backend is a warning with the line to run; a named or configured one that is missing fails", () => {
  write("app/package.json", { name: "app" });
  const none = run(["doctor", "--json"]);
  expect(none.code).toBe(0);
  expect(check(none.out, "core", "backends")).toMatchObject({
    status: "warn",
    fix: "npm install @demikernel/libos-posix",
  });
  const config = write("app/demi.yaml", "libos: spdk\n");
  for (const { code, out } of [
    run(["doctor", "--json", "--libos", "spdk"]),
    run(["doctor", "--json", "--config", config]),
  ]) {
    expect(code).toBe(1);
    expect(check(out, "spdk", "package")).toMatchObject({
      status: "fail",
      message: expect.stringContaining("not installed"),
    });
  }
  const env = run(["doctor", "--json"], { env: { LIBOS: "rdma" } });
  expect(env.code).toBe(1);
  expect(check(env.out, "rdma", "package")?.status).toBe("fail");
});

test("doctor: checks the configuration file against the backend's options", () => {
  installBackend(OK);
  const good = write("app/good.yaml", "test: {speed: fast}\narena: [{size: 4096, count: 16}]\n");
  const { code, out } = run(["doctor", "--json", "--config", good]);
  expect(code).toBe(0);
  expect(check(out, "core", "memory")?.message).toMatch(/takes up to 64 KiB/);
  const wrong = write("app/wrong.yaml", "test: {speed: faster}\n");
  const refused = run(["doctor", "--json"], { env: { DEMI_CONFIG: wrong } });
  expect(refused.code).toBe(1);
  expect(check(refused.out, "test", "options")?.message).toContain(
    `test.speed must be one of slow, fast; got "faster" (${wrong}:1)`,
  );
  const missing = run(["doctor", "--json", "--config", join(root, "none.yaml")]);
  expect(missing.code).toBe(1);
  expect(check(missing.out, "core", "configuration")?.status).toBe("fail");
});

test("doctor --libos memory examines core's own backend", () => {
  write("app/package.json", { name: "app" });
  const { code, out } = run(["doctor", "--libos", "memory"]);
  expect(code).toBe(0);
  expect(out).toMatch(/^memory +device +ok/m);
});

test("info: what is found, with engine, features and limits; started through node_modules/.bin from elsewhere", () => {
  installBackend(OK);
  mkdirSync(join(root, "app/node_modules/.bin"));
  symlinkSync(main, join(root, "app/node_modules/.bin/demikernel"));
  const { code, out, err } = run(["info", "--json"], {
    cwd: root,
    script: join(root, "app/node_modules/.bin/demikernel"),
  });
  expect(err).toBe("");
  expect(code).toBe(0);
  const info = JSON.parse(out);
  expect(info).toMatchObject({ core: version, node: process.versions.node });
  expect(info.backends).toEqual([
    expect.objectContaining({
      name: "test",
      package: "demi-test",
      version: "3.2.1",
      dir: join(root, "app/node_modules/demi-test"),
      engine: "memory",
      limits: { "largest message": "1 MiB", connections: 7 },
    }),
    expect.objectContaining({ name: "memory", package: "@demikernel/core", version, engine: "memory" }),
  ]);
  const text = run(["info"]);
  expect(text.out).toMatch(/^test +demi-test 3\.2\.1 +memory/m);
  expect(text.out).toMatch(/^test +connections +7$/m);
});

test("info: a backend that cannot be loaded or opened is listed with the reason", () => {
  installBackend(OK, `throw new Error("no such device");`);
  expect(run(["info"]).out).toMatch(/^test +ENOEXEC: .*no such device/m);
  installBackend(OK, `backend.load = () => ({ open() { throw new Error("device busy"); } });`);
  expect(JSON.parse(run(["info", "--json"]).out).backends[0]).toMatchObject({ name: "test", error: "device busy" });
});

test("help for everything; unknown commands and options exit with 1", () => {
  write("app/package.json", { name: "app" });
  for (const args of [["--help"], ["doctor", "--help"], ["info", "--help"], ["help", "info"]]) {
    const { code, out } = run(args);
    expect(code).toBe(0);
    expect(out).toMatch(/^Usage: demikernel/);
  }
  expect(run(["--version"]).out).toBe(`${version}\n`);
  for (const args of [["docter"], ["doctor", "--jsn"], ["info", "extra"]]) {
    const { code, err } = run(args);
    expect(code).toBe(1);
    expect(err).toMatch(/error: /);
  }
  const unreadable = run(["info", "--config", join(root, "none.yaml")]);
  expect(unreadable.code).toBe(1);
  expect(unreadable.err).toMatch(/^demikernel: ENOENT: /);
});

test("control characters from a backend do not reach the terminal", () => {
  const evil = "\u001b[2J\nfake ok";
  expect(table(["a"], [[evil]])).not.toContain("\u001b");
  const text = render({
    healthy: true,
    examinations: [{ subject: "x", checks: [{ name: "n", status: "warn", message: evil, fix: evil }] }],
  });
  expect(text).not.toContain("\u001b");
  expect(text).not.toMatch(/^fake ok/m);
});
