/**
 * The published packages on DPDK and on the kernel: packed, installed by npm into an empty project, and run. One line of the project's
 * package.json decides which it is; command line and configuration file stay as they are.
 */
import { createHash, randomBytes } from "node:crypto";
import { cpSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bareSystem, emptyProject, npmInstall, pack, swapBackend, which } from "./packed.js";
import { endAll, Program, temporaryDirectory } from "./program.js";
import { LIBOS, onWire, wireConfig } from "./wire.js";

const dir = temporaryDirectory();
const PACKAGES = ["core", "bench", "libos-posix", "libos-dpdk", "apps-echo"];
const ADDON = "node_modules/@demikernel/libos-dpdk/prebuilds/linux-x64/demi_dpdk.node";
const PORT = "12345";

afterEach(endAll);

onWire("the packed packages", (wire) => {
  let tarballs: Map<string, string>;
  let project: string;
  let environment: NodeJS.ProcessEnv;
  const tarball = (name: string) => tarballs.get(name) as string;

  beforeAll(() => {
    tarballs = pack(PACKAGES);
    project = emptyProject(dir);
    environment = { ...bareSystem(dir), RUNTIME_DIRECTORY: dir };
    npmInstall(["core", "bench", "libos-dpdk", "apps-echo"].map(tarball), project, environment);
  }, 240_000);

  /** A command of the project's, inside the wire's namespace. */
  function npx(...args: string[]): Program {
    const [command, all] = wire().inside(join(dir, "bin/npx"), args);
    return new Program(which(command) as string, all, { cwd: project, env: environment, bare: true, group: true });
  }

  /** Serves a megabyte to the kernel's nc, with the command line and the file that all backends get. */
  async function echoes(backend: RegExp): Promise<void> {
    const address = ["--host", LIBOS, "--port", PORT];
    const server = npx("demi-echo", "server", ...address, "--config", wireConfig(project));
    const [line] = await server.says(/listening on .*/, 60_000);
    expect(line).toMatch(backend);
    const input = randomBytes(1 << 20);
    const nc = await new Program(...wire().inside("nc", ["-N", "-w", "20", LIBOS, PORT]), { input }).exited;
    expect({ code: nc.code, hash: hash(Buffer.from(nc.stdout, "latin1")) }).toEqual({ code: 0, hash: hash(input) });
    expect((await server.end("SIGINT")).stdout).toMatch(/served 1 connections.*\nleft open: 0 queues, 0 outstanding/);
  }

  test("libos-dpdk brings its addon, what it is built from, and no tests", () => {
    const installed = realpathSync(join(project, "node_modules/@demikernel/libos-dpdk"));
    expect(installed.startsWith(realpathSync(project))).toBe(true);
    expect(readFileSync(join(installed, "package.json"), "utf8")).not.toMatch(/workspace:/);
    const files = ["CHANGELOG.md", "CMakeLists.txt", "LICENSE", "LIMITS.md", "README.md", "package.json"];
    const folders = ["dist", "native", "prebuilds"];
    expect(readdirSync(installed).sort()).toEqual([...files, ...folders].sort());
    const sources = readdirSync(join(installed, "native"));
    expect(sources).toEqual(expect.arrayContaining(["addon.cc", "net_stack.hpp"]));
    expect(sources).not.toContain("tests");
  });

  test("the echo runs on DPDK, and on the kernel after one line of package.json has changed", async () => {
    await echoes(/\(dpdk, lwip\)/);
    const before = swapBackend(project, tarballs, "libos-dpdk", "libos-posix", environment);
    // Now it is the kernel's own address.
    wire().run("ip", "address", "add", `${LIBOS}/32`, "dev", "lo");
    await echoes(/\(posix, (io_uring|epoll)\)/);
    wire().run("ip", "address", "del", `${LIBOS}/32`, "dev", "lo");
    writeFileSync(join(project, "package.json"), before);
    npmInstall([], project, environment);
    await echoes(/\(dpdk, lwip\)/);
  }, 300_000);

  test.each([
    ["DPDK", "librte_ethdev.so.23"],
    ["lwIP", "liblwip.so.0"],
  ])(
    "where %s is missing, the error says what to install",
    async (_, library) => {
      const elsewhere = join(dir, `without-${library}`);
      cpSync(project, elsewhere, { recursive: true, verbatimSymlinks: true });
      // The addon as on a machine without the library: the dynamic linker looks for one that is nowhere.
      const addon = readFileSync(join(elsewhere, ADDON));
      const name = addon.indexOf(`\0${library}\0`);
      expect(name).toBeGreaterThan(0);
      addon.write("absent", name + 1);
      writeFileSync(join(elsewhere, ADDON), addon);
      const args = ["node_modules/@demikernel/apps-echo/dist/cli.js", "server", "--config", wireConfig(elsewhere)];
      const server = new Program(join(dir, "bin/node"), args, { cwd: elsewhere, env: environment, bare: true });
      const { code, stderr } = await server.exited;
      expect(code).toBe(1);
      expect(stderr).toContain(`needs absent${library.slice(6)}, which is not installed`);
      expect(stderr).toContain("apt install librte-meta-net librte-meta-mempool liblwip0");
      expect(stderr.trim().split("\n")).toHaveLength(1);
    },
    60_000,
  );
});

function hash(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
