/** What is published: packed, installed by npm and by pnpm on a machine without a compiler, and run by the command that they install. */
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { bareSystem, pack } from "../../apps-echo/test/packed.js";
import { endAll, Program, temporaryDirectory } from "../../apps-echo/test/program.js";
import { freePort } from "./demi-redis.js";
import { BESIDE, byNpm, byPnpm, commandLine, running, type Tarballs } from "./published.js";
import { lackingClient, unlessLacking } from "./skipping.js";

const dir = temporaryDirectory();
const BACKEND = "libos-posix";
/** The command as it is in a project. A server is started by it, because npx has an exit code of its own after Ctrl-C. */
const INSTALLED = "node_modules/.bin/demi-redis";
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

let env: NodeJS.ProcessEnv;
let tarballs: Tarballs;

beforeAll(() => {
  env = bareSystem(dir);
  tarballs = pack([...BESIDE, BACKEND]);
}, 120_000);
afterEach(endAll);

const MANAGERS = [
  ["npm", () => byNpm(dir, tarballs, BACKEND, env), () => [join(dir, "bin/npx"), "demi-redis"]],
  ["pnpm", () => byPnpm(dir, tarballs, BACKEND), () => [INSTALLED]],
] as const;

// What it does is said by redis-cli.
unlessLacking(lackingClient("redis-cli"), "the packed packages", () =>
  describe.each(MANAGERS)("installed by %s", installedBy),
);

function installedBy(_: string, install: () => string, command: () => string[]): void {
  let project: string;
  beforeAll(() => {
    project = install();
  }, 120_000);

  function start([program, ...words]: readonly string[], ...args: string[]): Program {
    return new Program(program as string, [...words, ...args], { cwd: project, env, bare: true, group: true });
  }
  const demiRedis = (...args: string[]): Program => start(command(), ...args);

  test("it has its documents and no tests, and is no link to this checkout", () => {
    const folder = realpathSync(join(project, "node_modules/@demikernel/apps-redis"));
    expect(folder.startsWith(realpathSync(project))).toBe(true);
    const files = readdirSync(folder);
    expect(files).toEqual(expect.arrayContaining(["dist", "package.json"]));
    expect(files).not.toContain("test");
    const readme = readFileSync(join(folder, "README.md"), "utf8");
    const linked = [...readme.matchAll(/\]\((\w[^):]*)\)/g)].map(([, path]) => path as string);
    expect(linked).toContain("LIMITS.md");
    for (const path of linked)
      expect({ path, isThere: existsSync(join(folder, path)) }).toEqual({ path, isThere: true });
  });

  test("it says what it is", async () => {
    const help = await demiRedis("--help").exited;
    expect(help).toMatchObject({ code: 0, stderr: "" });
    for (const name of ["server", "cli", "bench"]) expect(help.stdout).toMatch(new RegExp(`^  ${name} `, "m"));
    expect(await demiRedis("--version").exited).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: "" });
    const unknown = await demiRedis("serve").exited;
    expect(unknown.code).not.toBe(0);
    expect(unknown.stderr).toContain("unknown command 'serve'");
  }, 60_000);

  test("it serves redis-cli and its own client, with V8's flag of its first line, until Ctrl-C", async () => {
    const port = String(await freePort());
    const { program, backend, pid } = await running(start([INSTALLED], "server", "--port", port, "--save", ""));
    expect(backend).toMatch(/^posix \((io_uring|epoll)\)$/);
    expect(commandLine(pid).slice(1, 4)).toEqual([
      "--single-threaded-gc",
      "--max-semi-space-size=1",
      "--max-inlined-bytecode-size-cumulative=2000",
    ]);
    const lines = ["SET greeting hello", "APPEND greeting ' again'", "GET greeting"].join("\n");
    const foreign = await new Program("redis-cli", ["-p", port], { input: lines }).exited;
    expect(foreign).toMatchObject({ code: 0, stdout: "OK\n11\nhello again\n" });
    expect(await demiRedis("cli", "-p", port, "get", "greeting").exited).toMatchObject({
      code: 0,
      stdout: "hello again\n",
      stderr: "",
    });
    expect(await program.end("SIGINT")).toMatchObject({ code: 0, stderr: "" });
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  }, 120_000);
}
