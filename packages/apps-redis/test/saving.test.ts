/** The server and its file, end to end: what is there after it was ended, killed, refused to save, or given a file that is wrong. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asLoadError, LoadError } from "../src/persistence/load-error.js";
import { loadRdbFile } from "../src/persistence/load-rdb.js";
import { Direct } from "./direct.js";
import { Random } from "./random.js";
import type { RespClient } from "./resp-client.js";
import { info, RunningServer, until } from "./running-server.js";

let folder = "";
let file = "";
const servers: RunningServer[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "demi-redis-saving-"));
  file = join(folder, "dump.rdb");
});
afterEach(async () => {
  for (const server of servers.splice(0)) if (server.child.exitCode === null) await server.end("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

async function start(...options: string[]): Promise<RunningServer> {
  const server = await RunningServer.start(folder, ...options);
  servers.push(server);
  return server;
}

async function ready(...options: string[]): Promise<{ server: RunningServer; client: RespClient }> {
  const server = await (await start(...options)).ready();
  return { server, client: await server.connect() };
}

const temporaries = (): string[] => readdirSync(folder).filter((name) => name.startsWith("temp-"));

test("BGSAVE under load has what there was when it began", async () => {
  const random = new Random("BGSAVE");
  const { server, client } = await ready("--save", "");
  await client.call([["DEBUG", "POPULATE", "20000", "key", "60"]]);
  const lists = Array.from({ length: 400 }, (_, i) => [
    "RPUSH",
    `list${i % 50}`,
    random.bytes(90),
    "x",
    random.bytes(40),
  ]);
  const sets = Array.from({ length: 3000 }, (_, i) => ["SADD", `set${i % 5}`, `member${i}`]);
  await client.call([...lists, ...sets, ["CONFIG", "SET", "rdb-key-save-delay", "1000"]]);
  const change = (): string[] => {
    const key = `key:${random.below(20_000)}`;
    const all = [
      ["SET", key, "other"],
      ["DEL", key],
      ["APPEND", key, "more"],
      ["LPOP", `list${random.below(50)}`],
    ];
    all.push(
      ["SPOP", `set${random.below(5)}`],
      ["RENAME", `key:${random.below(20_000)}`, key],
      ["EXPIRE", key, "1000"],
    );
    return random.pick(all);
  };
  // In one go, so that what follows is under way when the snapshot begins.
  const changes = (count: number): string[][] => Array.from({ length: count }, change);
  const [digest, , started] = await client.call([["DEBUG", "DIGEST"], ["PING"], ["BGSAVE"], ...changes(2000)]);
  expect(started).toBe("Background saving started");
  // However fast the machine is, it is not over before these.
  for (let round = 0; round < 4; round++) {
    await client.call(changes(500));
    expect(await info(client, "rdb_bgsave_in_progress")).toBe("1");
  }
  await client.call([["CONFIG", "SET", "rdb-key-save-delay", "20"]]);
  while ((await info(client, "rdb_bgsave_in_progress")) === "1") await client.call(changes(500));
  expect(await info(client, "rdb_last_bgsave_status")).toBe("ok");
  expect(await client.call([["DEBUG", "DIGEST"]])).not.toEqual([digest]);
  expect(Number(await info(client, "rdb_changes_since_last_save"))).toBeGreaterThan(1000);
  expect(temporaries()).toEqual([]);
  client.close();
  await server.end("SIGKILL");
  const loaded = new Direct();
  await loadRdbFile(loaded.server, file);
  expect(loaded.all).toBe(digest);
});

test("whoever is killed while it saves leaves the old file whole, and the next one removes the half of the new", async () => {
  const first = await ready("--save", "");
  await first.client.call([["DEBUG", "POPULATE", "1000"], ["SAVE"], ["SET", "new", "1"]]);
  await first.client.call([["CONFIG", "SET", "rdb-key-save-delay", "100000"], ["BGSAVE"]]);
  expect(temporaries()).toEqual([`temp-${first.server.child.pid}-1.rdb`]);
  expect(await first.client.call([["BGSAVE"], ["SAVE"]])).toMatchObject([
    { message: "ERR Background save already in progress" },
    { message: "ERR Background save already in progress" },
  ]);
  first.client.close();
  await first.server.end("SIGKILL");
  expect(temporaries()).toHaveLength(1);
  // Of a process that lives: it may be at it.
  writeFileSync(join(folder, `temp-${process.pid}.rdb`), "half");
  const second = await ready("--save", "");
  expect(temporaries()).toEqual([`temp-${process.pid}.rdb`]);
  expect(await second.client.call([["DBSIZE"], ["GET", "new"]])).toEqual([1000, null]);
  // FLUSHALL ends what would bring keys back.
  await second.client.call([["CONFIG", "SET", "rdb-key-save-delay", "100000"], ["BGSAVE"], ["FLUSHALL"]]);
  await until("nothing is saved", async () => (await info(second.client, "rdb_bgsave_in_progress")) === "0");
  await until("the half is gone", () => temporaries().length === 1);
  second.client.close();
});

test("it ends with a save if there are save points, as SHUTDOWN and the configuration say", async () => {
  const ends: [string[], (server: RunningServer, client: RespClient) => void, boolean][] = [
    [[], (server) => server.kill("SIGTERM"), true],
    [["--save", ""], (server) => server.kill("SIGTERM"), false],
    [["--save", "", "--shutdown-on-sigterm", "save"], (server) => server.kill("SIGTERM"), true],
    [["--shutdown-on-sigint", "nosave now"], (server) => server.kill("SIGINT"), false],
    [[], (_, client) => client.write([["SHUTDOWN"]]), true],
    [[], (_, client) => client.write([["SHUTDOWN", "NOSAVE"]]), false],
    [["--save", ""], (_, client) => client.write([["SHUTDOWN", "SAVE", "NOW"]]), true],
  ];
  for (const [options, end, isSaved] of ends) {
    rmSync(file, { force: true });
    const { server, client } = await ready(...options);
    await client.call([["SET", "a", "b"]]);
    end(server, client);
    expect(await server.ended()).toBe(0);
    expect({ options, isSaved: existsSync(file) }).toEqual({ options, isSaved });
    expect(temporaries()).toEqual([]);
    client.close();
  }
});

test("after so many seconds and changes it is saved by itself, and INFO and LASTSAVE say so", async () => {
  const { client } = await ready("--save", "1 2");
  const [began] = await client.call([["LASTSAVE"]]);
  await client.call([["SET", "a", "1"]]);
  expect(await info(client, "rdb_changes_since_last_save")).toBe("1");
  await client.call([["SET", "b", "1"]]);
  await until("it is saved", () => existsSync(file));
  await until("it is noted", async () => (await info(client, "rdb_changes_since_last_save")) === "0");
  expect(Number((await client.call([["LASTSAVE"]]))[0])).toBeGreaterThan(Number(began));
  client.close();
});

test("while it loads it says so, does what needs no data, and ends when told to without a save", async () => {
  const first = await ready("--save", "");
  await first.client.call([["DEBUG", "POPULATE", "5000"], ["SAVE"]]);
  first.client.close();
  await first.server.end();
  const before = readFileSync(file);
  const server = await start("--key-load-delay", "1000");
  const client = await server.connect();
  const loading = { message: "LOADING Redis is loading the dataset in memory" };
  const denied = [["GET", "key:1"], ["SET", "a", "1"], ["PING"], ["BGSAVE"], ["DEBUG", "POPULATE", "1"], ["FLUSHALL"]];
  expect(await client.call(denied)).toMatchObject(denied.map(() => loading));
  const [config, queued, set] = await client.call([
    ["CONFIG", "GET", "dbfilename"],
    ["MULTI"],
    ["SET", "a", "b"],
    ["DISCARD"],
  ]);
  expect([config, queued]).toEqual([["dbfilename", "dump.rdb"], "OK"]);
  expect(await client.call([["DEBUG", "LOG", "a sentence"]])).toEqual(["OK"]);
  await until("it is in the log", () => server.said.includes("DEBUG LOG: a sentence"));
  expect(set).toMatchObject(loading);
  expect(await info(client, "loading")).toBe("1");
  expect(Number(await info(client, "loading_total_bytes"))).toBe(before.length);
  await until("some is loaded", async () => Number(await info(client, "loading_loaded_bytes")) > 100);
  expect(Number(await info(client, "loading_loaded_perc"))).toBeLessThan(100);
  client.close();
  expect(await server.end("SIGTERM")).toBe(0);
  expect(server.said).not.toContain("ready on");
  expect(readFileSync(file).equals(before)).toBe(true);
  const whole = await ready("--key-load-delay", "10");
  expect(await whole.client.call([["DBSIZE"]])).toEqual([5000]);
  expect(await info(whole.client, "rdb_last_load_keys_loaded")).toBe("5000");
  whole.client.close();
});

test("a file that is wrong is refused with its offset, and stays", async () => {
  const first = await ready("--save", "");
  await first.client.call([["DEBUG", "POPULATE", "1000"], ["SAVE"]]);
  first.client.close();
  await first.server.end();
  const right = readFileSync(file);
  const wrongs: [Buffer, RegExp][] = [
    [right.subarray(0, 500), /dump\.rdb cannot be loaded: at offset \d+: /],
    [Buffer.from("hello, world"), /at offset 9: not an RDB file/],
    [Buffer.alloc(0), /at offset 0: it ends too early/],
    [Buffer.from(right).fill(0xff, right.length - 8), /at offset \d+: the checksum is wrong/],
  ];
  for (const [bytes, why] of wrongs) {
    writeFileSync(file, bytes);
    const told = await loadRdbFile(new Direct().server, file).catch((error: unknown) => asLoadError("dump.rdb", error));
    expect(told).toBeInstanceOf(LoadError);
    expect((told as Error).message).toMatch(why);
    expect(readFileSync(file).equals(bytes)).toBe(true);
  }
  // Who begins with the last of them says so, and ends.
  const server = await start();
  expect(await server.ended()).toBe(1);
  expect(server.said).toMatch(/dump\.rdb cannot be loaded: at offset \d+: the checksum is wrong/);
  expect(readFileSync(file).equals(wrongs[wrongs.length - 1][0])).toBe(true);
});

test("what cannot be saved stops writes, if it is to, and does not end; DEBUG RELOAD takes its options", async () => {
  const { server, client } = await ready("--save", "1000 1000");
  copyFileSync("/dev/null", join(folder, "other"));
  await client.call([["SET", "a", "1"]]);
  // A folder cannot be replaced by a file.
  mkdirSync(file);
  expect(await client.call([["SAVE"]])).toMatchObject([{ message: "ERR" }]);
  const refused = { message: expect.stringMatching(/^MISCONF Redis is configured to save RDB snapshots/) };
  const tried = await client.call([["SET", "a", "2"], ["PING"], ["GET", "a"], ["DEBUG", "RELOAD"], ["SHUTDOWN"]]);
  expect(tried).toMatchObject([
    refused,
    refused,
    "1",
    { message: "ERR" },
    { message: "ERR Errors trying to SHUTDOWN. Check logs." },
  ]);
  server.kill("SIGTERM");
  await until("it has tried", () => server.said.split("it goes on").length === 3);
  const [, first, , second] = await client.call([
    ["CONFIG", "SET", "stop-writes-on-bgsave-error", "no"],
    ["SET", "a", "2"],
    ["CONFIG", "SET", "stop-writes-on-bgsave-error", "yes"],
    ["SET", "a", "3"],
  ]);
  expect([first, second]).toMatchObject(["OK", refused]);
  await client.call([["BGSAVE"]]);
  await until("it has failed", async () => (await info(client, "rdb_bgsave_in_progress")) === "0");
  expect(await info(client, "rdb_last_bgsave_status")).toBe("err");
  rmSync(file, { recursive: true });
  expect(await client.call([["SAVE"], ["SET", "b", "1"]])).toEqual(["OK", "OK"]);
  expect(temporaries()).toEqual([]);
  // What is in the file now: a = 2.
  expect(
    await client.call([
      ["DEBUG", "RELOAD", "NOSAVE", "NOFLUSH"],
      ["SET", "a", "4"],
      ["DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE"],
      ["GET", "a"],
      ["DBSIZE"],
      ["DEBUG", "RELOAD", "NOSAVE"],
      ["DBSIZE"],
      ["DEBUG", "RELOAD", "SLOWLY"],
      ["FUNCTION", "LOAD", "#!lua name=l\nredis.register_function('f', function() return 1 end)"],
      ["FLUSHALL"],
      // A library that is there is as a key that is there.
      ["DEBUG", "RELOAD", "NOFLUSH"],
      ["DEBUG", "RELOAD", "NOFLUSH", "MERGE"],
      ["FUNCTION", "DELETE", "l"],
      ["SAVE"],
      ["FUNCTION", "LOAD", "#!lua name=m\nredis.register_function('f', function() return 1 end)"],
      ["DEBUG", "RELOAD", "NOSAVE"],
      ["FUNCTION", "LIST"],
    ]),
  ).toMatchObject([
    { message: "ERR Error trying to load the RDB dump" },
    "OK",
    "OK",
    "2",
    2,
    "OK",
    1,
    { message: "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options." },
    "l",
    "OK",
    { message: "ERR Error trying to load the RDB dump" },
    "OK",
    "OK",
    "OK",
    "m",
    "OK",
    [],
  ]);
  client.close();
});
