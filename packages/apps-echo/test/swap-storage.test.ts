/**
 * libos-spdk as it is published: packed, and installed by npm into an empty project on a machine without a compiler. What a program keeps
 * goes to files of the kernel or to logs, as the project's dependencies and its configuration say; the program stays as it is.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bareSystem, emptyProject, installed, npmInstall, pack, run, swapBackend } from "./packed.js";
import { packageDir, temporaryDirectory } from "./program.js";

const dir = temporaryDirectory();

let project: string;
let env: NodeJS.ProcessEnv;
let tarballs: Map<string, string>;

beforeAll(() => {
  tarballs = pack(["core", "libos-posix", "libos-spdk"]);
  project = emptyProject(dir);
  env = bareSystem(dir);
  npmInstall(
    ["core", "libos-posix"].map((name) => tarballs.get(name) as string),
    project,
    env,
  );
  copyFileSync(join(packageDir, "test/fixtures/journal.mjs"), join(project, "journal.mjs"));
}, 240_000);

/** What the program says. */
const append = (line: string, more: NodeJS.ProcessEnv = {}) =>
  JSON.parse(run("node", ["journal.mjs", line], { cwd: project, env: { ...env, ...more } }).stdout);

test("one line of package.json swaps the kernel's files for logs", () => {
  expect(spawnSync("sh", ["-c", "command -v g++ cc cmake"], { env }).status).not.toBe(0);
  expect(append("first")).toEqual({ engines: ["posix"], text: "first\n", sockets: true });
  expect(append("second")).toMatchObject({ text: "first\nsecond\n" });
  expect(readFileSync(join(project, "journal"), "utf8")).toBe("first\nsecond\n");

  // The device, which is made otherwise, of a gibibyte: zeros become one.
  writeFileSync(join(project, "demi.log"), Buffer.alloc(16 << 20));
  swapBackend(project, tarballs, "libos-posix", "libos-spdk", env, ["core"]);
  expect(append("third")).toEqual({ engines: ["spdk"], text: "third\n", sockets: false });
  expect(append("fourth")).toMatchObject({ text: "third\nfourth\n" });
}, 240_000);

test("beside a network backend it is the storage, by a dependency and a line of the configuration", () => {
  npmInstall([tarballs.get("libos-posix") as string], project, env);
  expect(installed(project).filter((name) => name.startsWith("@demikernel/"))).toEqual(
    ["core", "libos-posix", "libos-spdk"].map((name) => `@demikernel/${name}`),
  );
  writeFileSync(join(project, "demi.yaml"), "libos: posix\nstorage: spdk\n");
  const config = { DEMI_CONFIG: "demi.yaml" };
  // The logs are those of before: the device is the same.
  expect(append("fifth", config)).toEqual({
    engines: ["posix", "spdk"],
    text: "third\nfourth\nfifth\n",
    sockets: true,
  });
  writeFileSync(join(project, "demi.yaml"), "libos: posix\n");
  expect(append("sixth", config)).toEqual({ engines: ["posix"], text: "first\nsecond\nsixth\n", sockets: true });
}, 240_000);
