/** The append-only file: what was acknowledged is there after kill -9; files go both ways with redis-server; what is damaged is cut off or refused. */
import { spawn, spawnSync } from "node:child_process";
import {
  appendFileSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BadManifest, formatManifest, parseManifest } from "../src/aof/manifest.js";
import { DemiRedis, freePort } from "./demi-redis.js";
import { eventually } from "./eventually.js";
import { Generator } from "./oracle/generator.mjs";
import { Random } from "./random.js";
import { lackingRedis } from "./redis-program.js";
import { RedisServer } from "./redis-server.js";
import { RespClient } from "./resp-client.js";
import { unlessLacking } from "./skipping.js";

const PROGRAM = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
const CRASH = fileURLToPath(new URL("programs/crash.mjs", import.meta.url));
const packages = fileURLToPath(new URL("../../", import.meta.url));
const ROUNDS = process.env.DEMI_CRASHES ?? "5";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "demi-redis-aof-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const start = (...options: string[]): Promise<DemiRedis> =>
  DemiRedis.start("--dir", folder, "--appendonly", "yes", "--enable-debug-command", "yes", ...options);
const inFolder = (name: string): string => join(folder, "appendonlydir", name);
const increments = (): string[] =>
  readdirSync(join(folder, "appendonlydir")).filter((name) => name.endsWith(".incr.aof"));

/** A server that does not start: what it says. */
function refused(...options: string[]): string {
  const words = [PROGRAM, "server", "--port", "0", "--dir", folder, "--appendonly", "yes", ...options];
  const { signal, status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8", timeout: 20_000 });
  expect({ signal, status }).toEqual({ signal: null, status: 1 });
  return stderr;
}

/** Every key of all databases: its type, its expiry and what is in it. Neither server promises the order of hashes and sets. */
async function all(client: RespClient): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (let db = 0; db < 16; db++) {
    const [, keys] = await client.call([
      ["SELECT", String(db)],
      ["KEYS", "*"],
    ]);
    if (!Array.isArray(keys)) throw new Error(`KEYS was answered ${keys}`);
    for (const key of keys as string[]) {
      const [type, expiry] = await client.call([
        ["TYPE", key],
        ["PEXPIRETIME", key],
      ]);
      const [value] = await client.call([contents(String(type), key)]);
      found[`${db} ${key}`] = [type, expiry, normal(String(type), value)];
    }
  }
  return found;
}

function normal(type: string, value: unknown): unknown {
  if (type === "hash" || type === "set") return inOrder(value as string[], type);
  // A score of -0 is 0 in a listpack, which a small sorted set becomes when it is loaded.
  if (type === "zset") return (value as string[]).map((one, i) => (i % 2 === 1 && one === "-0" ? "0" : one));
  return type === "stream" ? withoutHistory(value) : value;
}

/** Of streams what depends on how they came to be so: nodes after trimming, when a consumer was seen, how many entries a group has read. */
const HISTORY = new Set(["radix-tree-keys", "radix-tree-nodes", "seen-time", "entries-read", "lag"]);

function withoutHistory(value: unknown): unknown {
  if (!Array.isArray(value)) return value;
  // Who reads nothing is told of by XREADGROUP alone, as in Redis.
  const isIdle = (one: unknown): boolean => Array.isArray(one) && one[4] === "pel-count" && one[5] === 0;
  return value.filter((one, i) => !HISTORY.has(String(value[i - (i % 2)])) && !isIdle(one)).map(withoutHistory);
}

function contents(type: string, key: string): string[] {
  if (type === "hash") return ["HGETALL", key];
  if (type === "set") return ["SMEMBERS", key];
  if (type === "zset") return ["ZRANGE", key, "0", "-1", "WITHSCORES"];
  // Without what depends on how entries came to be trimmed.
  if (type === "stream") return ["XINFO", "STREAM", key, "FULL", "COUNT", "0"];
  return ["DUMP", key];
}

function inOrder(value: string[], type: string): string[] {
  if (type === "set") return [...value].sort();
  return value
    .map((one, i) => (i % 2 === 0 ? `${one} ${value[i + 1]}` : ""))
    .filter((_, i) => i % 2 === 0)
    .sort();
}

/** What redis-server has when it has loaded these files, of which it is given a copy. */
async function loadedByTheirs(): Promise<Record<string, unknown>> {
  const copy = mkdtempSync(join(tmpdir(), "demi-redis-aof-"));
  try {
    cpSync(join(folder, "appendonlydir"), join(copy, "appendonlydir"), { recursive: true });
    const theirs = await RedisServer.start("--dir", copy, "--appendonly", "yes");
    try {
      await eventually("redis-server has loaded", async () => !((await theirs.call([["DBSIZE"]]))[0] instanceof Error));
      return await all(theirs.client);
    } finally {
      await theirs.stop();
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

const settled = (client: RespClient): Promise<void> =>
  eventually("the base is written", async () => {
    const [text] = await client.call([["INFO", "persistence"]]);
    return /aof_rewrite_in_progress:0/.test(String(text)) && /aof_rewrite_scheduled:0/.test(String(text));
  });

// ---- crashes -------------------------------------------------------------------------------------------------------------

/** What the program that kills servers says of its rounds. */
function crash(...options: string[]): { rounds: number; acknowledged: number } {
  const { signal, status, stderr, stdout } = spawnSync(
    process.execPath,
    [CRASH, "--rounds", ROUNDS, "--folder", folder, "--rewrite", "--", process.execPath, PROGRAM, "server", ...options],
    { encoding: "utf8", timeout: 280_000 },
  );
  console.log(stdout.trim());
  if (status !== 0 || signal !== null) throw new Error(`${stderr}\n${stdout}`);
  return JSON.parse(stdout);
}

test("kill -9 under load: what was acknowledged is there, and nothing that was not sent", async () => {
  const done = crash("--port", String(await freePort()), "--appendonly", "yes", "--appendfsync", "always");
  expect(done.rounds).toBe(Number(ROUNDS));
  expect(done.acknowledged).toBeGreaterThan(100);
}, 300_000);

/** An application that has a storage engine beside its network, and a device of `size` for it. */
function withLog(size: string): string[] {
  const modules = join(folder, "node_modules/@demikernel");
  mkdirSync(modules, { recursive: true });
  const names = ["core", "libos-posix", "libos-spdk"];
  for (const name of names) symlinkSync(join(packages, name), join(modules, name));
  const dependencies = Object.fromEntries(names.map((name) => [`@demikernel/${name}`, "*"]));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "application", private: true, dependencies }));
  const config = `libos: posix\nstorage: spdk\nspdk:\n  device: file:${join(folder, "device")},size=${size}\n`;
  writeFileSync(join(folder, "demi.yaml"), config);
  return ["--config", join(folder, "demi.yaml")];
}

test("the same on a log of a storage engine", async () => {
  const options = [...withLog("256MiB"), "--port", String(await freePort())];
  const done = crash(...options, "--appendonly", "yes", "--appendfsync", "always");
  expect(done.rounds).toBe(Number(ROUNDS));
  expect(done.acknowledged).toBeGreaterThan(100);
}, 300_000);

// ---- files -----------------------------------------------------------------------------------------------------------------

unlessLacking(lackingRedis(), "files of redis-server's and ours", () => {
  test("redis-server loads what ours has written, redis-check-aof finds it sound, and ours loads it again", async () => {
    const random = new Random("files of ours");
    const generator = new Generator(random.seed);
    let server = await start();
    for (let i = 0; i < 12; i++) {
      await server.call(Array.from({ length: 700 }, () => generator.command()));
      if (i === 4) await server.call([["BGREWRITEAOF"]]);
    }
    await server.call([["DISCARD"]]);
    await settled(server.client);
    const before = await all(server.client);
    expect(Object.keys(before).length).toBeGreaterThan(20);
    await server.stop();
    const check = spawnSync("redis-check-aof", [inFolder("appendonly.aof.manifest")], { encoding: "utf8" });
    expect(check.stdout).toMatch(/All AOF files and manifest are valid/);
    expect(await loadedByTheirs()).toEqual(before);
    server = await start();
    try {
      expect(await all(server.client)).toEqual(before);
    } finally {
      await server.stop();
    }
  });

  test.each([["yes"], ["no"]])(
    "ours loads what redis-server has written, its base an RDB file: %s",
    async (preamble) => {
      const random = new Random("files of redis-server's");
      const generator = new Generator(random.seed);
      const theirs = await RedisServer.start(
        "--dir",
        folder,
        "--appendonly",
        "yes",
        "--aof-use-rdb-preamble",
        preamble,
      );
      try {
        for (let i = 0; i < 12; i++) {
          await theirs.call(Array.from({ length: 700 }, () => generator.command()));
          if (i === 6) await theirs.call([["BGREWRITEAOF"]]);
        }
        await theirs.call([["DISCARD"]]);
        await settled(theirs.client);
      } finally {
        await theirs.stop();
      }
      const server = await start();
      try {
        expect(await all(server.client)).toEqual(await loadedByTheirs());
      } finally {
        await server.stop();
      }
    },
  );
});

test("the end of the last file may be torn anywhere: it is cut off, and said, and the rest is there", async () => {
  const server = await start();
  await server.call([
    ["SET", "a", "1"],
    ["SELECT", "3"],
    ["SET", "b", "2"],
    ["MULTI"],
    ["INCR", "c"],
    ["INCR", "d"],
    ["EXEC"],
  ]);
  await server.stop();
  const [name] = increments();
  const whole = statSync(inFolder(name)).size;
  const bytes = readFileSync(inFolder(name), "latin1");
  const transaction = bytes.indexOf("*1\r\n$5\r\nMULTI");
  expect(transaction).toBeGreaterThan(0);
  for (const size of [whole - 1, whole - 20, whole - 50, transaction + 3]) {
    truncateSync(inFolder(name), size);
    const again = await DemiRedis.start("--dir", folder, "--appendonly", "yes");
    try {
      expect(
        await again.call([
          ["SELECT", "3"],
          ["MGET", "b", "c", "d"],
        ]),
      ).toEqual(["OK", ["2", null, null]]);
    } finally {
      await again.stop();
    }
    expect(statSync(inFolder(name)).size).toBe(transaction);
    writeFileSync(inFolder(name), bytes, "latin1");
  }
  truncateSync(inFolder(name), whole - 1);
  expect(refused("--aof-load-truncated", "no")).toMatch(/it ends within a command, which begins at offset \d+/);
});

unlessLacking(lackingRedis(), "a file that is filled ahead", () => {
  test("is redis-server's to load after a crash, too; what a torn write has left of it is cut off, and no filling is taken for a value", async () => {
    const server = await start("--appendfsync", "always");
    await server.call([
      ["SET", "a", "1"],
      ["SET", "large", "x".repeat(3000)],
    ]);
    await server.kill();
    const [name] = increments();
    const bytes = readFileSync(inFolder(name), "latin1");
    expect(bytes.length).toBeGreaterThan(200_000);
    const filling = bytes.slice(-64);
    expect(filling).toMatch(/^#[0-9a-f]{32} -*\n$/);
    expect(await loadedByTheirs()).toMatchObject({ "0 a": ["string", -1, expect.anything()] });
    const check = spawnSync("redis-check-aof", [inFolder("appendonly.aof.manifest")], { encoding: "utf8" });
    expect(check.stdout).toMatch(/All AOF files and manifest are valid/);
    // As a machine that loses power may leave it: some of the last blocks as they were before.
    const begin = bytes.indexOf("xxxx") & ~63;
    const damage = [begin, begin + 64, begin + 1024].map((at) => bytes.slice(0, at) + filling + bytes.slice(at + 64));
    for (const torn of damage) {
      writeFileSync(inFolder(name), torn, "latin1");
      const again = await start("--appendfsync", "always");
      try {
        expect(
          await again.call([
            ["MGET", "a", "large"],
            ["SET", "b", "2"],
          ]),
        ).toEqual([["1", null], "OK"]);
      } finally {
        await again.kill();
      }
      const once = await start();
      try {
        expect(await once.call([["MGET", "a", "large", "b"]])).toEqual([["1", null, "2"]]);
      } finally {
        await once.stop();
      }
    }
    // A value that looks like it is a value.
    writeFileSync(inFolder(name), bytes, "latin1");
    const other = await start("--appendfsync", "always");
    const alike = `#${"0".repeat(32)} ${"-".repeat(29)}\n`.repeat(10);
    await other.call([["SET", "alike", alike]]);
    await other.kill();
    const last = await start("--appendfsync", "always");
    try {
      expect(
        await last.call([
          ["GET", "alike"],
          ["STRLEN", "large"],
        ]),
      ).toEqual([alike, 3000]);
    } finally {
      await last.stop();
    }
    // Nothing of it stays when the server ends.
    expect(readFileSync(inFolder(increments()[0]), "latin1")).not.toContain(filling);
  });
});

test("what is damaged before its end is refused, with the file and the offset", async () => {
  const server = await start();
  await server.call(Array.from({ length: 50 }, (_, i) => ["SET", `key:${i}`, "value"]));
  await server.stop();
  const [name] = increments();
  const text = readFileSync(inFolder(name), "latin1");
  const at = text.indexOf("key:20");
  const begin = text.lastIndexOf("*3", at);
  const damage: [string, RegExp][] = [
    [text.slice(0, begin) + text.slice(begin + 1), /no command begins here|invalid/],
    [text.slice(0, begin).concat(text.slice(begin).replace("$6", "$x")), /invalid bulk length/],
    // All that follows would be one value.
    [
      text.slice(0, begin).concat(text.slice(begin).replace("$5\r\nvalue", "$5000000\r\nvalue")),
      /others follow at offset/,
    ],
    [text.slice(0, begin).concat(text.slice(begin).replace("SET", "SOT")), /unknown command 'SOT'/],
    [text.slice(0, begin).concat(text.slice(begin).replace("*3", "*9")), /expected '\$'|no command begins/],
    [`${text.slice(0, begin)}\0\0\0\0${text.slice(begin)}`, /no command begins here/],
    [text.replace(/\*3\r\n\$3\r\nSET/, "*1\r\n$4\r\nEXEC\r\n*3\r\n$3\r\nSET"), /EXEC without MULTI/],
  ];
  for (const [bytes, why] of damage) {
    writeFileSync(inFolder(name), bytes, "latin1");
    const told = refused();
    expect(told).toMatch(why);
    expect(told).toMatch(/appendonly\.aof\.1\.incr\.aof: at offset \d+/);
  }
  // Only the last increment may be torn.
  writeFileSync(inFolder(name), text.slice(0, -3), "latin1");
  writeFileSync(inFolder("appendonly.aof.2.incr.aof"), "*1\r\n$4\r\nPING\r\n");
  appendFileSync(inFolder("appendonly.aof.manifest"), "file appendonly.aof.2.incr.aof seq 2 type i\n");
  expect(refused()).toMatch(/1\.incr\.aof: it ends within a command/);
  rmSync(inFolder(name));
  expect(refused()).toMatch(/it is not there, and the manifest names it/);
  writeFileSync(inFolder("appendonly.aof.manifest"), "file a seq 1 type x\n");
  expect(refused()).toMatch(/manifest: line 1: a type that is not b, i or h/);
  copyFileSync(PROGRAM, inFolder("appendonly.aof.1.base.rdb"));
  writeFileSync(inFolder("appendonly.aof.manifest"), "file appendonly.aof.1.base.rdb seq 1 type b\n");
  expect(refused()).toMatch(/1\.base\.rdb: at offset \d+: no command begins here/);
  // What is wrong in an RDB file is a sentence too, and no trace of the program.
  writeFileSync(inFolder("appendonly.aof.1.base.rdb"), "REDIS0010\xff\0\0\0\0\0\0\0\x01", "latin1");
  expect(refused()).toBe(
    `demi-redis: ${inFolder("appendonly.aof.1.base.rdb")} cannot be loaded: at offset 18: the checksum is wrong\n`,
  );
});

test.each([["before"], ["in the middle of"]])(
  "a file of a redis-server before 7.0 is taken over, %s it",
  async (when) => {
    if (when !== "before") {
      // Who began it died before the file was moved.
      mkdirSync(join(folder, "appendonlydir"));
      writeFileSync(inFolder("appendonly.aof.manifest"), "file appendonly.aof seq 1 type b\n");
    }
    writeFileSync(
      join(folder, "appendonly.aof"),
      "*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n7\r\n",
    );
    for (const value of ["7", "8"]) {
      const server = await start();
      try {
        expect(
          await server.call([
            ["GET", "a"],
            ["INCR", "a"],
          ]),
        ).toEqual([value, Number(value) + 1]);
      } finally {
        await server.stop();
      }
    }
    expect(existsSync(join(folder, "appendonly.aof"))).toBe(false);
  },
);

test("it is turned on and off while the server runs, and its rules are changed", async () => {
  const server = await DemiRedis.start("--dir", folder, "--appendfsync", "no");
  try {
    await server.call([["SET", "before", "1"]]);
    expect(
      await server.call([
        ["CONFIG", "SET", "appendonly", "yes"],
        ["SET", "while", "1"],
      ]),
    ).toEqual(["OK", "OK"]);
    await settled(server.client);
    for (const rule of ["always", "everysec", "always", "no"]) {
      await server.call([
        ["CONFIG", "SET", "appendfsync", rule],
        ["SET", rule, "1"],
        ["INCR", "n"],
      ]);
    }
    await server.call([["MULTI"], ["INCR", "n"], ["BGREWRITEAOF"], ["INCR", "n"], ["EXEC"]]);
    await settled(server.client);
    expect(
      await server.call([
        ["CONFIG", "SET", "appendonly", "no"],
        ["SET", "after", "1"],
      ]),
    ).toEqual(["OK", "OK"]);
  } finally {
    await server.stop();
  }
  const again = await start();
  try {
    expect(await again.call([["MGET", "before", "while", "no", "always", "n", "after"]])).toEqual([
      ["1", "1", "1", "1", "6", null],
    ]);
  } finally {
    await again.stop();
  }
});

test("a file that has grown gets a new base by itself, and nothing is lost meanwhile", async () => {
  let server = await start("--auto-aof-rewrite-min-size", "65536");
  try {
    for (let i = 0; i < 40; i++) await server.call(Array.from({ length: 100 }, () => ["INCRBY", "n", "1"]));
    await eventually("a new base", async () =>
      /aof_rewrites:[2-9]/.test(String(await server.client.send("INFO", "persistence"))),
    );
    await settled(server.client);
    expect(statSync(inFolder(increments()[0])).size).toBeLessThan(65536);
  } finally {
    await server.stop();
  }
  server = await start();
  try {
    expect(await server.call([["GET", "n"]])).toEqual(["4000"]);
  } finally {
    await server.stop();
  }
});

test("a device that is full ends the server, and what it had acknowledged is there", async () => {
  const options = [...withLog("2MiB"), "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"];
  const full = await DemiRedis.startIn(folder, "--dir", folder, "--appendonly", "yes", ...options);
  const value = "v".repeat(20_000);
  let acknowledged = 0;
  try {
    for (; acknowledged < 1000; acknowledged++) {
      const [reply] = await full.call([["SET", `key:${acknowledged}`, value + Math.random()]]);
      expect(reply).toBe("OK");
    }
  } catch (error) {
    expect((error as Error).message).toMatch(/gone/);
  } finally {
    await full.stop();
  }
  expect(acknowledged).toBeGreaterThan(10);
  expect(acknowledged).toBeLessThan(1000);
  const again = await DemiRedis.startIn(folder, "--dir", folder, "--appendonly", "yes", ...options);
  try {
    expect(await again.call([["DBSIZE"]])).toEqual([acknowledged]);
  } finally {
    await again.stop();
  }
});

// ---- the manifest ------------------------------------------------------------------------------------------------------------

test("manifests are read as they were written, and what is none is refused", () => {
  const manifest = {
    base: { name: "a b.1.base.rdb", seq: 1 },
    increments: [
      { name: "a.1.incr.aof", seq: 1 },
      { name: 'quote".2.incr.aof', seq: 2 },
    ],
    history: [{ name: "old", seq: 7 }],
  };
  expect(parseManifest(formatManifest(manifest))).toEqual(manifest);
  const line = "file a seq 1 type i\n";
  const wrong = [
    "",
    "file a seq 1 type i",
    "file a seq 1\n",
    "file a/b seq 1 type i\n",
    "file .. seq x type i\n",
    "file a seq 0 type i\n",
    "file a seq 99999999999999999999 type i\n",
    `${line}${line}`,
    "file a seq 1 type b\nfile b seq 2 type b\n",
    'file "a seq 1 type i\n',
    `file ${"a".repeat(1100)} seq 1 type i\n`,
  ];
  for (const text of wrong) expect(() => parseManifest(text)).toThrow(BadManifest);
  expect(parseManifest(`# a remark\n${line}`).increments).toEqual([{ name: "a", seq: 1 }]);
});

/** Why no file system can be made that is soon full: in a namespace of its own, which is gone with the server. */
const lackingMounts = (): string | undefined =>
  spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0
    ? undefined
    : "no root, or no namespaces, for a small file system";

unlessLacking(lackingMounts(), "a file system that is full", () => {
  test("with everysec commands that write are refused until there is room, and nothing is lost", async () => {
    const script = `mount -t tmpfs -o size=512k none "$0" && head -c 200000 /dev/zero > "$0/filler" && exec "$@"`;
    const port = await freePort();
    const words = ["server", "--port", String(port), "--dir", folder, "--appendonly", "yes"];
    const child = spawn("unshare", ["-m", "sh", "-c", script, folder, process.execPath, PROGRAM, ...words], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    try {
      const client = await RespClient.open({ port, host: "127.0.0.1" }, child);
      const value = "v".repeat(10_000);
      let written = 0;
      await eventually("a write is refused", async () => {
        const [reply] = await client.call([["SET", `key:${written}`, value]]);
        if (/LOADING/.test(String(reply))) return false;
        if (reply !== "OK") {
          expect(String(reply)).toMatch(/MISCONF Errors writing to the AOF file: ENOSPC/);
          return true;
        }
        written++;
        return false;
      });
      expect(written).toBeGreaterThan(10);
      expect(await client.call([["GET", "key:1"]])).toEqual([value]);
      spawnSync("nsenter", ["-t", String(child.pid), "-m", "rm", join(folder, "filler")]);
      await eventually("writes are taken again", async () => (await client.call([["SET", "after", "1"]]))[0] === "OK");
      await eventually("all is written", async () =>
        /aof_buffer_length:0\r/.test(String(await client.send("INFO", "persistence"))),
      );
      client.close();
      mkdirSync(join(folder, "appendonlydir"));
      for (const name of ["appendonly.aof.manifest", "appendonly.aof.1.base.rdb", "appendonly.aof.1.incr.aof"]) {
        const { stdout } = spawnSync("nsenter", ["-t", String(child.pid), "-m", "cat", inFolder(name)]);
        writeFileSync(inFolder(name), stdout);
      }
      const again = await start();
      try {
        expect(await again.call([["DBSIZE"]])).toEqual([written + 1]);
      } finally {
        await again.stop();
      }
    } finally {
      child.kill("SIGKILL");
    }
  });
});
