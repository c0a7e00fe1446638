/** The append-only file while the server runs: DEBUG LOADAOF, and bases while it is off. */
import { once } from "node:events";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadedFrom } from "./aof-folder.js";
import { DemiRedis } from "./demi-redis.js";
import { eventually } from "./eventually.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "demi-redis-aof-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const start = (...options: string[]): Promise<DemiRedis> =>
  DemiRedis.start("--dir", folder, "--enable-debug-command", "yes", ...options);
const inFolder = (name: string): string => join(folder, "appendonlydir", name);
const increment = (): string =>
  inFolder(readdirSync(join(folder, "appendonlydir")).find((name) => name.endsWith(".incr.aof")) as string);

const settled = (server: DemiRedis): Promise<void> =>
  eventually("the base is written", async () =>
    /aof_rewrite_in_progress:0\r\naof_rewrite_scheduled:0/.test(await server.client.send("INFO", "persistence")),
  );

const LIBRARY = "#!lua name=l\nredis.register_function('f', function() return redis.call('GET', 'a') end)";

test.each([["everysec"], ["always"]])(
  "DEBUG LOADAOF with appendfsync %s: what is there is what there was",
  async (rule) => {
    const server = await start("--appendonly", "yes", "--appendfsync", rule);
    const waiting = await server.connect();
    const other = await server.connect();
    try {
      await server.call([
        ["FUNCTION", "LOAD", LIBRARY],
        ...Array.from({ length: 40 }, (_, i) => ["SET", `key:${i}`, "v"]),
      ]);
      await server.call([["BGREWRITEAOF"]]);
      await settled(server);
      await server.call([
        ["SET", "a", "1"],
        ["FUNCTION", "LOAD", "REPLACE", LIBRARY],
        ["SELECT", "3"],
        ["RPUSH", "list", "x", "y"],
      ]);
      await waiting.call([["SELECT", "3"]]);
      const popped = waiting.call([["BLPOP", "none", "list2", "0"]]);
      await eventually("somebody waits", async () => /blocked_clients:1/.test(await other.send("INFO", "clients")));
      const [digest] = await server.call([
        ["DEBUG", "DIGEST"],
        ["CONFIG", "SET", "key-load-delay", "10000"],
      ]);
      const [own] = await server.call([["CLIENT", "ID"]]);
      const loaded = server.call([
        ["DEBUG", "LOADAOF"],
        ["DEBUG", "DIGEST"],
      ]);
      await eventually("it loads", async () => /^-LOADING/.test(await other.send("GET", "a")));
      // Who loads is not to be unblocked.
      expect(
        await other.call([
          ["CLIENT", "UNBLOCK", String(own)],
          ["CONFIG", "SET", "dir", "other"],
          ["CONFIG", "SET", "key-load-delay", "0"],
        ]),
      ).toMatchObject([0, { message: expect.stringMatching(/^LOADING/) }, "OK"]);
      expect(await loaded).toEqual(["OK", digest]);
      expect(
        await server.call([
          ["RPUSH", "list2", "z"],
          ["SELECT", "0"],
          ["FCALL", "f", "0"],
          ["INCR", "a"],
        ]),
      ).toEqual([1, "OK", "1", 2]);
      expect(await popped).toEqual([["list2", "z"]]);
      const texts = await server.call([["MULTI"], ["DEBUG", "LOADAOF"], ["EXEC"]]);
      expect(String(texts[2])).toMatch(/not allowed in transactions/);
    } finally {
      other.close();
      waiting.close();
      await server.stop();
    }
    const again = await loadedFrom(folder);
    expect([again.call("GET", "a"), again.call("DBSIZE")]).toEqual(["$1\r\n2\r\n", ":41\r\n"]);
    again.call("SELECT", 3);
    expect(again.call("LRANGE", "list", 0, -1)).toBe("*2\r\n$1\r\nx\r\n$1\r\ny\r\n");
    expect(again.call("EXISTS", "list2")).toBe(":0\r\n");
  },
);

test("DEBUG LOADAOF right after it was switched on waits for the base", async () => {
  const server = await start();
  try {
    expect(String((await server.call([["DEBUG", "LOADAOF"]]))[0])).toMatch(/there is no append-only file/);
    await server.call(Array.from({ length: 1000 }, (_, i) => ["SET", `key:${i}`, "v"]));
    const [, , loaded, size] = await server.call([
      ["CONFIG", "SET", "appendonly", "yes"],
      ["SET", "b", "1"],
      ["DEBUG", "LOADAOF"],
      ["DBSIZE"],
    ]);
    expect([loaded, size]).toEqual(["OK", 1001]);
  } finally {
    await server.stop();
  }
});

test("BGREWRITEAOF while it is off writes a base, from which LOADAOF and the next server load", async () => {
  const server = await start();
  try {
    expect(await server.call([["SET", "a", "1"], ["BGREWRITEAOF"]])).toEqual([
      "OK",
      "Background append only file rewriting started",
    ]);
    await settled(server);
    expect(await server.call([["MULTI"], ["SET", "a", "2"], ["BGREWRITEAOF"], ["EXEC"]])).toEqual([
      "OK",
      "QUEUED",
      "QUEUED",
      ["OK", "Background append only file rewriting scheduled"],
    ]);
    await eventually("both are written", async () =>
      /aof_rewrites:2/.test(await server.client.send("INFO", "persistence")),
    );
    await settled(server);
    expect(
      await server.call([
        ["SET", "a", "3"],
        ["SET", "b", "3"],
        ["DEBUG", "LOADAOF"],
        ["MGET", "a", "b"],
      ]),
    ).toEqual(["OK", "OK", "OK", ["2", null]]);
    expect(
      await server.call([
        ["CONFIG", "SET", "appendonly", "yes"],
        ["INCR", "a"],
      ]),
    ).toEqual(["OK", 3]);
    await settled(server);
  } finally {
    await server.stop();
  }
  const again = await loadedFrom(folder);
  expect([again.call("GET", "a"), again.call("DBSIZE")]).toEqual(["$1\r\n3\r\n", ":1\r\n"]);
});

test("a file that LOADAOF finds damaged ends the server, and is as it was", async () => {
  const server = await start("--appendonly", "yes");
  try {
    await server.call([
      ["SET", "a", "1"],
      ["DEBUG", "LOADAOF"],
    ]);
    const whole = readFileSync(increment());
    appendFileSync(increment(), "*1\r\n$4\r\nNONE\r\n*1\r\n$4\r\nPING\r\n");
    const ended = once(server.process, "exit");
    await server.call([["DEBUG", "LOADAOF"]]).catch(() => {});
    expect(await ended).toEqual([1, null]);
    writeFileSync(increment(), whole);
  } finally {
    await server.stop();
  }
  expect((await loadedFrom(folder)).call("GET", "a")).toBe("$1\r\n1\r\n");
});
