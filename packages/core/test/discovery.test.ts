import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { chosenName, findBackends, loadBackend } from "../src/discovery.js";
import type { DemiError } from "../src/errors.js";

let root: string;
const script = process.argv[1];
const libos = process.env.LIBOS;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "demi-discovery-")));
  delete process.env.LIBOS;
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
  process.argv[1] = script;
  if (libos === undefined) delete process.env.LIBOS;
  else process.env.LIBOS = libos;
});

function write(path: string, content: string | object): string {
  const full = join(root, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, typeof content === "string" ? content : JSON.stringify(content));
  return full;
}

function link(target: string, path: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  symlinkSync(join(root, target), join(root, path));
}

const valid = (name: string, extra = "") => `
  const backend = {
    name: ${JSON.stringify(name)}, version: "1.2.3", options: {},
    features: { tcp: false, udp: false, ipv6: false, dmtr: false, files: false, sleep: false },
    load() { return { open() {} }; }, doctor() { return []; }, limits() { return {}; },
  };
  ${extra}
  export default backend;`;

function install(dir: string, name: string, source = valid(name), manifest: object = {}): void {
  const base = { name: `demi-${name}`, version: "1.2.3", type: "module", exports: "./index.js" };
  write(`${dir}/package.json`, { ...base, demikernel: { libos: name }, ...manifest });
  write(`${dir}/index.js`, source);
}

const app = (fields: object) => write("app/package.json", { name: "app", ...fields });
const names = (from = join(root, "app")) => findBackends(from).map((backend) => backend.name);

async function failure(promise: Promise<unknown>): Promise<DemiError> {
  return promise.then(
    () => {
      throw new Error("should have been refused");
    },
    (error) => error as DemiError,
  );
}

test("finds declared backends in every kind of dependency, and nothing else", () => {
  for (const name of ["a", "b", "c", "d", "stranger"]) install(`app/node_modules/demi-${name}`, name);
  write("app/node_modules/plain/package.json", { name: "plain", version: "1.0.0" });
  write("app/node_modules/broken/package.json", "{");
  app({
    dependencies: { "demi-a": "*", plain: "*", broken: "*", missing: "*", "../../etc": "*" },
    optionalDependencies: { "demi-b": "*" },
    peerDependencies: { "demi-c": "*" },
    devDependencies: { "demi-d": "*", "demi-a": "*" },
  });
  expect(findBackends(join(root, "app")).map(({ name, packageName, version }) => [name, packageName, version])).toEqual(
    [
      ["a", "demi-a", "1.2.3"],
      ["b", "demi-b", "1.2.3"],
      ["c", "demi-c", "1.2.3"],
      ["d", "demi-d", "1.2.3"],
    ],
  );
});

test("a declaration that is no name, or core's own name, is none", () => {
  for (const [dir, demikernel] of Object.entries({
    p: "posix",
    q: { libos: "../x" },
    r: { libos: 4 },
    s: { libos: "memory" },
    t: null,
  })) {
    install(`app/node_modules/${dir}`, "x", valid("x"), { demikernel });
  }
  app({ dependencies: { p: "*", q: "*", r: "*", s: "*", t: "*" } });
  expect(names()).toEqual([]);
});

test("from may be a directory, a file, a file: URL, and lie under a package.json that only marks the module type", () => {
  install("app/node_modules/demi-a", "a");
  app({ dependencies: { "demi-a": "*" } });
  const file = write("app/dist/esm/main.js", "");
  write("app/dist/esm/package.json", { type: "module" });
  for (const from of [join(root, "app"), file, pathToFileURL(file).href, join(root, "app/not/there")]) {
    expect(names(from)).toEqual(["a"]);
  }
  for (const from of ["", "file://elsewhere/x", 7 as unknown as string]) {
    expect(() => findBackends(from)).toThrow(expect.objectContaining({ code: "EINVAL" }));
  }
});

test("looks in node_modules further up, nearest first, as Node does", () => {
  install("node_modules/demi-a", "a", valid("a"), { version: "9.0.0" });
  install("node_modules/demi-b", "b");
  install("app/node_modules/demi-a", "a");
  app({ dependencies: { "demi-a": "*", "demi-b": "*" } });
  expect(findBackends(join(root, "app")).map(({ name, version }) => `${name} ${version}`)).toEqual([
    "a 1.2.3",
    "b 1.2.3",
  ]);
});

test("follows pnpm's links and counts a package once", () => {
  install("app/node_modules/.pnpm/demi-a@1.2.3/node_modules/demi-a", "a");
  link("app/node_modules/.pnpm/demi-a@1.2.3/node_modules/demi-a", "app/node_modules/demi-a");
  link("app/node_modules/.pnpm/demi-a@1.2.3/node_modules/demi-a", "app/node_modules/alias-of-a");
  app({ dependencies: { "demi-a": "*", "alias-of-a": "*" } });
  const found = findBackends(join(root, "app"));
  expect(found).toHaveLength(1);
  expect(found[0].dir).toBe(join(root, "app/node_modules/.pnpm/demi-a@1.2.3/node_modules/demi-a"));
});

test("the application is found around the script, around the link it was started by, and is a backend itself", () => {
  install("app/node_modules/demi-a", "a");
  app({ dependencies: { "demi-a": "*" } });
  install("tool/node_modules/demi-b", "b");
  install("tool", "tool", valid("tool"), { dependencies: { "demi-b": "*" } });
  write("tool/dist/cli.js", "");
  link("tool/dist/cli.js", "app/node_modules/.bin/cli");
  process.argv[1] = join(root, "app/node_modules/.bin/cli");
  expect(findBackends().map((backend) => backend.name)).toEqual(["a", "tool", "b"]);
});

test("the only backend installed needs no name", async () => {
  install("app/node_modules/demi-a", "a");
  app({ dependencies: { "demi-a": "*" } });
  expect((await loadBackend(undefined, join(root, "app"))).name).toBe("a");
});

test("several installed: the option decides, then LIBOS, then the file; none of them is EINVAL with the list", async () => {
  install("app/node_modules/demi-a", "a");
  install("app/node_modules/demi-b", "b");
  app({ dependencies: { "demi-a": "*", "demi-b": "*" } });
  const from = join(root, "app");
  expect(await failure(loadBackend(undefined, from))).toMatchObject({
    code: "EINVAL",
    message: expect.stringContaining("a (demi-a), b (demi-b)"),
  });
  expect((await loadBackend("b", from)).name).toBe("b");
  process.env.LIBOS = "b";
  expect((await loadBackend(undefined, from)).name).toBe("b");
  expect((await loadBackend("a", from)).name).toBe("a");
  expect(chosenName("option", "file", { LIBOS: "env" })).toBe("option");
  expect(chosenName(undefined, "file", { LIBOS: "env" })).toBe("env");
  expect(chosenName(undefined, "file", { LIBOS: "" })).toBe("file");
  expect(chosenName(undefined, undefined, {})).toBeUndefined();
});

test("two versions of one backend are no choice: the nearest to from wins", async () => {
  install("app/node_modules/demi-a", "a", valid("a", `backend.version = "near";`));
  install("other/node_modules/demi-a", "a", valid("a", `backend.version = "far";`));
  app({ dependencies: { "demi-a": "*" } });
  write("other/package.json", { name: "other", dependencies: { "demi-a": "*" } });
  process.argv[1] = join(root, "other/main.js");
  expect((await loadBackend(undefined, join(root, "app"))).version).toBe("near");
});

test("nothing installed: ENOENT that says what to install; a missing one: ENOENT that says what there is", async () => {
  app({});
  const from = join(root, "app");
  expect(await failure(loadBackend(undefined, from))).toMatchObject({
    code: "ENOENT",
    message: expect.stringMatching(/npm install @demikernel\/libos-posix/),
  });
  expect(await failure(loadBackend("rdma", from))).toMatchObject({
    code: "ENOENT",
    message: expect.stringMatching(/"rdma" is not installed \(no backend is installed\)/),
  });
  install("app/node_modules/demi-a", "a");
  app({ dependencies: { "demi-a": "*" } });
  expect((await failure(loadBackend("rdma", from))).message).toMatch(/"rdma" is not installed \(installed: a\)/);
});

test("memory is built in, and used only when named", async () => {
  app({});
  expect((await loadBackend("memory", join(root, "app"))).name).toBe("memory");
});

test.each(["", "../posix", "a/b", "A", "x".repeat(100), 5, null, {}])("%p is no backend's name", async (name) => {
  expect((await failure(loadBackend(name as string))).code).toBe("EINVAL");
});

test.each([
  ["export default undefined;", /default export is undefined/],
  ["export const x = 1;", /default export is undefined/],
  [valid("other"), /says "a" but its default export says name "other"/],
  [valid("a", "delete backend.version;"), /version is not a string/],
  [valid("a", "backend.load = 1;"), /load is not a function/],
  [valid("a", "delete backend.doctor;"), /doctor is not a function/],
  [valid("a", "delete backend.features.ipv6;"), /features\.ipv6 is not a boolean/],
  [valid("a", "backend.features = null;"), /features\.tcp is not a boolean/],
  [valid("a", "backend.options = null;"), /options is not an object/],
  [valid("a", `backend.options = { engine: { type: "text" } };`), /options are no JSON Schema/],
  [valid("a", `backend.options = { engine: { enumm: [] } };`), /JSON Schema properties: engine\.enumm is no keyword/],
  [valid("a", `backend.options = { e: { items: { minimum: "5" } } };`), /JSON Schema properties: e\.items\.minimum: /],
  [valid("a", "backend.options = { engine: { default: () => 1 } };"), /options are no JSON Schema/],
  [valid("a", "backend.options = { engine: { enum: [{}] } };"), /JSON Schema properties: engine\.enum\.0: /],
  [
    valid("a", `backend.options = { e: { additionalProperties: { $ref: "x" } } };`),
    /e\.additionalProperties\.\$ref is no/,
  ],
  [
    valid("a", `backend.options = { e: { additionalProperties: { type: "strng" } } };`),
    /e\.additionalProperties\.type: /,
  ],
  [valid("a", "backend.options = { e: { multipleOf: 0 } };"), /JSON Schema properties: e\.multipleOf: /],
  [valid("a", "backend.options = { e: { minimum: Infinity } };"), /JSON Schema properties: minimum is Infinity/],
  [valid("a", "backend.options = { toString: {} };"), /options are no JSON Schema/],
  [valid("a", "backend.options = { e: { required: ['constructor'] } };"), /options are no JSON Schema/],
  [valid("a", "backend.options = [];"), /options are no JSON Schema properties: they: /],
  [valid("a", "const e = {}; e.items = e; backend.options = { e };"), /options are no JSON Schema/],
  [valid("a", "backend.options = { tokens: {} };"), /options\.tokens has the name of a core option/],
  [valid("a", "backend.options = { from: {} };"), /options\.from has the name of a core option/],
])("a malformed backend is EINVAL that names the package: %#", async (source, message) => {
  install("app/node_modules/demi-a", "a", source);
  app({ dependencies: { "demi-a": "*" } });
  const error = await failure(loadBackend("a", join(root, "app")));
  expect(error).toMatchObject({ code: "EINVAL", message: expect.stringMatching(message) });
  expect(error.message).toContain("package demi-a");
});

test.each([undefined, "../outside.js", "/etc/passwd", { require: "./index.js" }, [], "index.js"])(
  "exports %p name no file to import",
  async (exports) => {
    const manifest = exports === undefined ? { exports, main: "../outside.js" } : { exports };
    install("app/node_modules/demi-a", "a", valid("a"), manifest);
    app({ dependencies: { "demi-a": "*" } });
    expect((await failure(loadBackend("a", join(root, "app")))).message).toMatch(/names no file to import/);
  },
);

test.each([
  { exports: { ".": { types: "./x.d.ts", import: "./index.js" }, "./package.json": null } },
  { exports: { types: "./x.d.ts", node: { require: "./x.cjs", default: "./index.js" } } },
  { exports: { ".": ["./index.js"] } },
  { exports: undefined, main: "index.js" },
  { exports: undefined },
])("the entry point is found through %j", async (manifest) => {
  install("app/node_modules/demi-a", "a", valid("a"), manifest);
  app({ dependencies: { "demi-a": "*" } });
  expect((await loadBackend("a", join(root, "app"))).name).toBe("a");
});

test("a backend that throws when loaded gives ENOEXEC that names the package and keeps the cause", async () => {
  install("app/node_modules/demi-a", "a", `throw new Error("libfoo.so.5 is missing");`);
  app({ dependencies: { "demi-a": "*" } });
  const error = await failure(loadBackend("a", join(root, "app")));
  expect(error).toMatchObject({
    code: "ENOEXEC",
    message: expect.stringMatching(/package demi-a .*libfoo\.so\.5 is missing/),
  });
  expect(error.cause).toMatchObject({ message: "libfoo.so.5 is missing" });
});

test("an engine for storage is found in its role, one with both in either", async () => {
  install("app/node_modules/demi-net", "net");
  install("app/node_modules/demi-log", "log", valid("log"), { demikernel: { storage: "log" } });
  install("app/node_modules/demi-both", "both", valid("both"), { demikernel: { libos: "both", storage: "both" } });
  // One package is one engine, and has one name.
  install("app/node_modules/demi-two", "two", valid("two"), { demikernel: { libos: "two", storage: "other" } });
  app({ dependencies: { "demi-net": "*", "demi-log": "*", "demi-both": "*", "demi-two": "*" } });
  const from = join(root, "app");
  const inRole = (role?: "libos" | "storage") => findBackends(from, role).map(({ name }) => name);
  expect(inRole()).toEqual(["net", "log", "both"]);
  expect(inRole("libos")).toEqual(["net", "both"]);
  expect(inRole("storage")).toEqual(["log", "both"]);
  expect((await loadBackend("log", from, "storage")).name).toBe("log");
  expect((await failure(loadBackend("log", from))).message).toMatch(
    /backend "log" is not installed \(installed: net, both\)/,
  );
  expect((await failure(loadBackend("net", from, "storage"))).message).toMatch(
    /storage engine "net" is not installed \(installed: log, both\)/,
  );
});
