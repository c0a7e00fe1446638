import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Backend } from "../src/backend.js";
import { coreDefaults, loadConfig, resolveOptions } from "../src/config.js";
import type { DemiError } from "../src/errors.js";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "demi-config-"));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const backend: Backend = {
  name: "posix",
  version: "1.0.0",
  features: { tcp: true, udp: true, ipv6: true, dmtr: true, files: true, sleep: true },
  options: {
    engine: { type: "string", enum: ["auto", "io_uring", "epoll"], default: "auto" },
    entries: { type: "integer", minimum: 1, maximum: 4096 },
    direct: { type: "boolean" },
    arp: { type: "object", properties: { timeout: { type: "integer" } }, additionalProperties: false },
    hosts: { type: "array", items: { type: "string" }, maxItems: 2 },
    share: { type: "number", minimum: 0 },
    anything: { type: "array" },
  },
  load: () => {
    throw new Error("not in this test");
  },
  doctor: () => [],
  limits: () => ({}),
};

function file(text: string | Buffer, name = "demi.yaml"): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

const read = (text: string | Buffer) => loadConfig(file(text), {});
const resolve = (text: string, given: Record<string, unknown> = {}) => resolveOptions(backend, read(text), given);

function refusal(action: () => unknown): DemiError {
  try {
    action();
  } catch (error) {
    return error as DemiError;
  }
  throw new Error("should have been refused");
}

const none = loadConfig(undefined, {});

test("without a file and options: the defaults, and those the backend's schema states", () => {
  expect(none).toMatchObject({ path: undefined, libos: undefined, values: {} });
  expect(resolveOptions(backend, none, {})).toEqual({ core: coreDefaults, backend: { engine: "auto" } });
});

test("core options, the chosen backend's section, and sections of others in one file", () => {
  const text =
    "libos: posix\nloop: poll\ntokens: 128\nposix: {engine: epoll, entries: 7, direct: true}\ndpdk:\n  eal: [-c, 1]\nrdma:\n";
  expect(read(text).libos).toBe("posix");
  expect(resolve(text)).toEqual({
    core: { ...coreDefaults, loop: "poll", tokens: 128 },
    backend: { engine: "epoll", entries: "7", direct: "true" },
  });
});

test("options given in the call win over the file; undefined is not given; lists and maps arrive as JSON", () => {
  const given = { loop: "interrupt", engine: "io_uring", tokens: undefined, arp: { timeout: 5 }, hosts: ["a", "b"] };
  const { core, backend: own } = resolve("loop: poll\ntokens: 99\nposix: {engine: epoll}", given);
  expect(core).toMatchObject({ loop: "interrupt", tokens: 99 });
  expect(own).toEqual({ engine: "io_uring", arp: '{"timeout":5}', hosts: '["a","b"]' });
});

test("DEMI_CONFIG names the file, the option wins, an empty DEMI_CONFIG is none", () => {
  const a = file("tokens: 100", "a.yaml");
  const b = file("tokens: 200", "b.yaml");
  expect(loadConfig(undefined, { DEMI_CONFIG: a }).values).toEqual({ tokens: 100 });
  expect(loadConfig(b, { DEMI_CONFIG: a }).values).toEqual({ tokens: 200 });
  expect(loadConfig(undefined, { DEMI_CONFIG: "" }).values).toEqual({});
});

test.each(["", "# nothing\n", "---\n", "null\n", "posix:\n", "{}"])("%j is an empty configuration", (text) => {
  expect(resolve(text).core).toEqual(coreDefaults);
});

test("the arena is sorted by size", () => {
  const { core } = resolve("arena:\n  - {size: 4096, count: 2}\n  - {size: 64, count: 3}\n");
  expect(core.arena).toEqual([
    { size: 64, count: 3 },
    { size: 4096, count: 2 },
  ]);
});

test.each([
  ["posix: {engine: foo}", 'posix.engine must be one of auto, io_uring, epoll; got "foo" (FILE:1)'],
  ["\nposix:\n  direct: true\n  enginee: epoll\n", "posix.enginee is no known option; did you mean engine? (FILE:4)"],
  ["posix:\n  arp:\n    timeuot: 4\n", "posix.arp.timeuot is no known option; did you mean timeout? (FILE:3)"],
  ["posix:\n  hosts:\n    - a\n    - 5\n", "posix.hosts[1] must be of type string; got 5 (FILE:4)"],
  ["posix: 7", "posix must be a map of options; got 7 (FILE:1)"],
  ["lopo: poll", "lopo is no known option; did you mean loop? (FILE:1)"],
  ["Posix: {a: 1}", "Posix is no known option; did you mean posix? (FILE:1)"],
  ["zzzzzz: 1", "zzzzzz is no known option (FILE:1)"],
  ["loop: fast", 'loop must be one of adaptive, poll, interrupt; got "fast" (FILE:1)'],
  ["ringEntries: 100", "ringEntries must be one of 64, 128, 256"],
  ["ringEntries: 131072", "32768, 65536; got 131072 (FILE:1)"],
  ["tokens: 63", "tokens must be at least 64; got 63 (FILE:1)"],
  ["tokens: 131073", "tokens must be at most 131072; got 131073 (FILE:1)"],
  ["tokens: 64.5", "tokens must be of type integer; got 64.5 (FILE:1)"],
  ['tokens: "64"', 'tokens must be of type integer; got "64" (FILE:1)'],
  ["tokens: .nan", "tokens must be of type integer; got NaN (FILE:1)"],
  ["queues: 65536", "queues must be at most 65535; got 65536 (FILE:1)"],
  ["spinMicroseconds: -1", "spinMicroseconds must be at least 0; got -1 (FILE:1)"],
  ["arena: []", "arena must have at least 1 entries; got [] (FILE:1)"],
  ["arena: [{size: 100, count: 1}]", "arena[0].size must be a multiple of 64; got 100 (FILE:1)"],
  ["arena: [{size: 33554432, count: 1}]", "arena[0].size must be at most 16777216; got 33554432 (FILE:1)"],
  ["arena: [{size: 64}]", "arena[0] must have the key count; got { size: 64 } (FILE:1)"],
  ["arena: [{size: 64, count: 0}]", "arena[0].count must be at least 1; got 0 (FILE:1)"],
  ["arena: [{size: 64, cuont: 1, count: 1}]", "arena[0].cuont is no known option; did you mean count? (FILE:1)"],
  ["arena: [{size: 64, count: 1}, {size: 64, count: 2}]", "arena must not name a size twice (FILE:1)"],
  ["arena: [{size: 64, count: 262144}, {size: 128, count: 1}]", "262144 slots in total; got 262145 (FILE:1)"],
  [
    "arena: [{size: 16777216, count: 257}]",
    "arena must not be larger than 4 GiB (4294967296 bytes); got 4311744512 (FILE:1)",
  ],
])("%j is EINVAL with the key and the line", (text, message) => {
  const error = refusal(() => resolve(text));
  expect(error.code).toBe("EINVAL");
  expect(error.message.replaceAll(join(dir, "demi.yaml"), "FILE")).toContain(message);
});

test("the largest values are taken", () => {
  const text =
    "ringEntries: 65536\ntokens: 131072\nqueues: 65535\nspinMicroseconds: 1000\narena: [{size: 64, count: 262144}]";
  expect(resolve(text).core).toMatchObject({ ringEntries: 65536, tokens: 131072, queues: 65535 });
  expect(resolve("arena: [{size: 16777216, count: 256}]").core.arena).toHaveLength(1);
});

test("given options are checked like the file's, without a place", () => {
  expect(refusal(() => resolveOptions(backend, none, { engine: "foo" })).message).toBe(
    'EINVAL: openLibOS: posix.engine must be one of auto, io_uring, epoll; got "foo"',
  );
  expect(refusal(() => resolveOptions(backend, none, { engin: "foo" })).message).toMatch(
    /engin is no known option; did you mean engine\?$/,
  );
  expect(refusal(() => resolveOptions(backend, none, { confg: 1 })).message).toMatch(/did you mean config\?/);
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  for (const given of [
    { tokens: 5n },
    { direct: () => true },
    { hosts: [Symbol("a")] },
    { hosts: Array(70_000).fill(5) },
    { arp: { "\ud800": 5 } },
    { share: Number.POSITIVE_INFINITY },
    { anything: cyclic },
    { anything: [Number.NaN] },
  ])
    expect(refusal(() => resolveOptions(backend, none, given)).message).toMatch(
      /^EINVAL: openLibOS: \S+ must be plain data of a moderate size.*; got /s,
    );
  for (const name of ["a/b", "a~b", "a%2Fb", "ä", "0"])
    expect(refusal(() => resolve("", { arp: { [name]: 5 } })).message).toContain(`arp.${name}`.replace(".0", "[0]"));
  expect(refusal(() => resolveOptions(backend, none, JSON.parse('{"__proto__": {"tokens": 5}}'))).code).toBe("EINVAL");
});

test("hostile values are EINVAL like all that is no plain data, and soon", () => {
  const started = Date.now();
  let nested: unknown = [];
  for (let depth = 0; depth < 100_000; depth++) nested = [nested];
  const refusing = new Proxy([], {
    get: () => {
      throw new Error("not for you");
    },
  });
  const endless: ProxyHandler<object> = { get: (_, key) => (key === "length" ? 5 : new Proxy([], endless)) };
  const gone = Proxy.revocable({}, {});
  gone.revoke();
  const self: Record<string, unknown> = {};
  self.timeout = self;
  for (const given of [
    { anything: nested },
    { anything: refusing },
    { anything: new Proxy([], endless) },
    { anything: new Proxy([], { get: () => Number.MAX_SAFE_INTEGER }) },
    { anything: new Array(2 ** 32 - 1) },
    { anything: [undefined] },
    { anything: [new Uint8Array(2 ** 28)] },
    { arp: gone.proxy },
    { arp: self },
    {
      arp: {
        get timeout() {
          throw new Error("not for you");
        },
      },
    },
  ])
    expect(refusal(() => resolveOptions(backend, none, given)).message).toMatch(
      /^EINVAL: openLibOS: \S+ must be plain data of a moderate size.*; got /s,
    );
  expect(Date.now() - started).toBeLessThan(10_000);
});

test("what is used is what was checked: every property is read once, and only what is the value's own", () => {
  let reads = 0;
  const arp = {
    get timeout() {
      return ++reads === 1 ? 5 : "six";
    },
  };
  expect(resolveOptions(backend, none, { arp }).backend.arp).toBe('{"timeout":5}');
  expect(reads).toBe(1);
  expect(resolveOptions(backend, none, { arp: { timeout: undefined } }).backend.arp).toBe("{}");
  expect(resolveOptions(backend, none, { arp: Object.create({ timeout: "six" }) }).backend.arp).toBe("{}");
  const inherited = Object.create({ size: 64, count: 1 });
  expect(refusal(() => resolveOptions(backend, none, { arena: [inherited] })).message).toMatch(
    /arena\[0\] must have the key size; got \{\}$/,
  );
});

test("options are checked where code from strings is forbidden", () => {
  const program = `
    import { openLibOS } from "@demikernel/core";
    (await openLibOS({ libos: "memory", tokens: 64 })).destroy();
    await openLibOS({ libos: "memory", tokens: 63 }).catch((error) => console.log(error.message));`;
  const said = execFileSync(
    process.execPath,
    ["--disallow-code-generation-from-strings", "--input-type=module", "--eval", program],
    { encoding: "utf8", cwd: import.meta.dirname },
  );
  expect(said).toBe("EINVAL: openLibOS: tokens must be at least 64; got 63\n");
});

test("all problems are told at once, up to eight", () => {
  const two = refusal(() => resolve("tokens: 1\nqueues: 1\n", { loop: "x" })).message;
  expect(two).toMatch(/tokens.*; queues.*; loop/);
  const many = Array.from({ length: 20 }, (_, i) => `zz${i}: 1`).join("\n");
  expect(refusal(() => resolve(many)).message).toMatch(/; and 12 more$/);
});

test("__proto__ in a file is a key like any other, and pollutes nothing", () => {
  expect(refusal(() => resolve("__proto__: {polluted: 1}")).code).toBe("EINVAL");
  expect(refusal(() => resolve("posix: {__proto__: {engine: epoll}}")).code).toBe("EINVAL");
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});

test.each([
  ["a: 1\n---\nb: 2\n", /must be one YAML document; it has 2/],
  ["- 1\n", /:1: must be a map/],
  ["just text", /:1: must be a map/],
  ["tokens: 64\ntokens: 65\n", /:2: Map keys must be unique/],
  ["tokens: !big 64\n", /:1: Unresolved tag/],
  ["? [a]\n: 1\n", /:1: .*keys must be strings/],
  ["tokens: [1\n", /:2: /],
  ["tokens: *nowhere\n", /Unresolved alias/],
  ["libos: 5\n", /:1: libos must be the name of a backend; got 5/],
  ["libos: ''\n", /libos must be the name/],
])("%j is EINVAL with its line", (text, message) => {
  const error = refusal(() => read(text));
  expect(error.code).toBe("EINVAL");
  expect(error.message).toMatch(message);
});

test("alias bombs, deep nesting, endless lists and large files are refused quickly", () => {
  const started = Date.now();
  const layer = (name: string, of: string) => `${name}: &${name} [${Array(9).fill(of).join(",")}]\n`;
  const bomb = layer("a", "x") + layer("b", "*a") + layer("c", "*b") + layer("d", "*c");
  expect(refusal(() => read(bomb)).message).toMatch(/alias/i);
  for (const nested of [
    "[".repeat(20_000),
    "{a: ".repeat(20_000),
    `a: ${"- ".repeat(20_000)}`,
    `${"? ".repeat(20_000)}`,
  ]) {
    expect(refusal(() => read(nested)).message).toMatch(/nested more than 32 deep|more than 1024 entries/);
  }
  expect(refusal(() => read(Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join("\n"))).message).toMatch(
    /more than 1024 entries/,
  );
  expect(refusal(() => read(`a: [${"1,".repeat(20_000)}]`)).message).toMatch(/more than 1024 entries/);
  expect(refusal(() => read(`# ${"x".repeat(1024 * 1024)}`)).message).toMatch(/larger than 1 MiB/);
  expect(read(`# ${"x".repeat(1024 * 1024 - 2)}`).values).toEqual({});
  expect(Date.now() - started).toBeLessThan(10_000);
});

test("nesting of 32 and lists of 1024 are still read", () => {
  expect(read(`x: ${"[".repeat(31)}${"]".repeat(31)}`).values.x).toBeDefined();
  expect(read(`x: [${Array(1024).fill("1").join(",")}]`).values.x).toHaveLength(1024);
});

test("what is no readable text file is refused, without waiting", () => {
  expect(refusal(() => loadConfig(join(dir, "missing.yaml"), {})).code).toBe("ENOENT");
  expect(refusal(() => loadConfig(dir, {})).message).toMatch(/is not a regular file/);
  expect(refusal(() => loadConfig("/dev/zero", {})).message).toMatch(/is not a regular file/);
  const fifo = join(dir, "fifo");
  execFileSync("mkfifo", [fifo]);
  expect(refusal(() => loadConfig(fifo, {})).message).toMatch(/is not a regular file/);
  expect(refusal(() => read(Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe]))).message).toMatch(/is not UTF-8 text/);
  for (const path of ["", "a\0b", 5, {}]) expect(refusal(() => loadConfig(path as string, {})).code).toBe("EINVAL");
});

const log = {
  ...backend,
  name: "log",
  options: { device: { type: "string" }, copies: { type: "integer", default: 1 } },
};
const both = (text: string, given: Record<string, unknown> = {}) => resolveOptions(backend, read(text), given, log);

test("a storage engine's options stand under its name, the network's flat or under its own", () => {
  expect(both("storage: log\nlog: {device: a}\nposix: {engine: epoll}")).toMatchObject({
    backend: { engine: "epoll" },
    storage: { device: "a", copies: "1" },
  });
  expect(both("log: {device: a}", { log: { device: "b" }, engine: "io_uring" })).toMatchObject({
    backend: { engine: "io_uring" },
    storage: { device: "b" },
  });
  expect(both("", { posix: { engine: "epoll" } })).toMatchObject({ backend: { engine: "epoll" } });
  expect(both("").storage).toEqual({ copies: "1" });
  // As if it had not been given, flat or in a section.
  expect(both("", { engine: undefined, log: { device: undefined } }).storage).toEqual({ copies: "1" });
  for (const [given, message] of [
    [{ device: "a" }, /^EINVAL: openLibOS: device is no known option/],
    [{ log: "a" }, /log must be a map of options; got "a"$/],
    [{ log: { devise: "a" } }, /log\.devise is no known option; did you mean device\?$/],
    [{ engine: "epoll", posix: { engine: "epoll" } }, /engine is given twice, also as posix\.engine$/],
    [{ posix: { engine: "epol" } }, /posix\.engine must be one of auto, io_uring, epoll; got "epol"$/],
  ] as const) {
    expect(refusal(() => both("", given)).message).toMatch(message);
  }
  // Without the storage engine its name is no option.
  expect(refusal(() => resolve("", { log: { device: "a" } })).message).toMatch(/log is no known option/);
});
