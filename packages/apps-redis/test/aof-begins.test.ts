/** The append-only file is begun while the server runs, again and again, beside whatever else wants a snapshot: it has each command once. */
import { mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { loadedFrom } from "./aof-folder.js";
import type { Direct } from "./direct.js";
import { eventually } from "./eventually.js";
import { NodeInFolder } from "./node-in-folder.js";
import { Random } from "./random.js";

let server: NodeInFolder;
beforeEach(async () => {
  server = await NodeInFolder.start("demi-redis");
});
afterEach(() => server.stop());

const field = async (name: string): Promise<string | undefined> => (await server.info("persistence"))[name];
const toggle = (is: "yes" | "no"): Promise<unknown> => server.ask("CONFIG", "SET", "appendonly", is);

/** A base is there, and nothing else is to come. */
async function settled(): Promise<void> {
  await eventually("a base", async () => {
    const { aof_base_size: size, aof_rewrite_in_progress: isRunning } = await server.info("persistence");
    return Number(size ?? 0) > 0 && isRunning === "0";
  });
}

/** It ends; what one has that begins with what it has left. */
async function crash(): Promise<Direct> {
  await server.kill();
  return loadedFrom(server.folder);
}

/** A base takes for ever until it is 0. */
const delay = (microseconds: string): Promise<unknown> =>
  server.ask("CONFIG", "SET", "rdb-key-save-delay", microseconds);

const hold = (): Promise<unknown> =>
  server.client.call([
    ["DEBUG", "POPULATE", "100"],
    ["CONFIG", "SET", "rdb-key-save-delay", "1000000"],
  ]);
const twice = [
  ["INCR", "a"],
  ["INCR", "a"],
];

test("while somebody else has a snapshot", async () => {
  await hold();
  await server.ask("BGSAVE");
  await toggle("yes");
  expect(await field("aof_rewrite_scheduled")).toBe("1");
  await server.client.call(twice);
  await delay("0");
  await settled();
  expect(await field("aof_rewrite_scheduled")).toBe("0");
  await server.client.call(twice);
  expect((await crash()).call("GET", "a")).toBe("$1\r\n4\r\n");
}, 60_000);

test("and off again before its base is there", async () => {
  await hold();
  await toggle("yes");
  await server.client.call(twice);
  await toggle("no");
  await server.ask("INCR", "a");
  await toggle("yes");
  await server.ask("INCR", "a");
  await delay("0");
  await settled();
  expect((await crash()).call("GET", "a")).toBe("$1\r\n4\r\n");
}, 60_000);

test("killed before its base is there: what was appended until then is not behind the next one", async () => {
  await hold();
  await server.ask("CONFIG", "SET", "appendfsync", "always");
  await toggle("yes");
  await eventually("a base that is begun", async () => (await field("aof_rewrite_in_progress")) === "1");
  await server.client.call([
    ["INCR", "a"],
    ["INCR", "a"],
  ]);
  await server.kill();
  await server.start("--appendonly", "yes");
  expect(await server.ask("INCR", "a")).toBe(1);
  await settled();
  expect((await crash()).call("GET", "a")).toBe("$1\r\n1\r\n");
}, 60_000);

test("within a transaction, while a replica is told of it", async () => {
  const replica = connect({ port: server.port, host: "127.0.0.1" }).resume();
  replica.write("SYNC\r\n");
  await server.until("a replica", ({ slave0 }) => slave0?.includes("state=online") === true);
  await server.client.call([
    ["MULTI"],
    ["INCR", "a"],
    ["CONFIG", "SET", "appendonly", "yes"],
    ["INCR", "a"],
    ["EXEC"],
    ["INCR", "a"],
  ]);
  replica.destroy();
  await settled();
  expect((await crash()).call("GET", "a")).toBe("$1\r\n3\r\n");
}, 60_000);

test("over a manifest that is none: it is said, and the server goes on", async () => {
  mkdirSync(join(server.folder, "appendonlydir"));
  writeFileSync(join(server.folder, "appendonlydir", "appendonly.aof.manifest"), "no manifest\n");
  expect(String(await toggle("yes"))).toMatch(/Unable to turn on AOF/);
  expect(await server.ask("CONFIG", "GET", "appendonly")).toEqual(["appendonly", "no"]);
}, 60_000);

test("at any moment, among BGSAVE, BGREWRITEAOF, FLUSHALL, SWAPDB, DEBUG RELOAD and new rules, under load", async () => {
  const random = new Random("begun at any moment");
  const writer = await server.connect();
  let isOver = false;
  const writing = (async () => {
    for (let n = 0; !isOver; n++) {
      const words = [
        ["INCR", "count"],
        ["RPUSH", `list:${n % 7}`, String(n)],
        ["EVAL", "redis.call('INCR', 'a') redis.call('APPEND', 'b', 'x')", "0"],
      ];
      await writer.call(random.below(2) === 0 ? [["MULTI"], ...words, ["EXEC"]] : words);
    }
  })();
  const some: (() => string[])[] = [
    () => ["CONFIG", "SET", "appendonly", random.below(2) === 0 ? "yes" : "no"],
    () => ["CONFIG", "SET", "appendfsync", ["no", "everysec", "always"][random.below(3)]],
    () => ["BGSAVE"],
    () => ["BGREWRITEAOF"],
    () => ["FLUSHALL"],
    () => ["SWAPDB", "0", "1"],
    () => ["DEBUG", "RELOAD"],
    () => ["DEBUG", "POPULATE", "500", `key:${random.below(4)}`],
  ];
  for (let round = 0; round < 4; round++) {
    for (let n = 0; n < 60; n++) {
      await server.ask(...some[random.below(some.length)]());
      for (let i = random.below(4); i > 0; i--) await server.ask("PING");
    }
    isOver = round === 3;
    if (isOver) await writing;
    await server.client.call([
      ["CONFIG", "SET", "appendfsync", "always"],
      ["CONFIG", "SET", "appendonly", "yes"],
    ]);
    if (!isOver) continue;
    // POPULATE is told nobody: a base has it.
    await settled();
    while (/^ERR/.test(String(((await server.ask("BGREWRITEAOF")) as Error).message))) await settled();
    await eventually("none that is scheduled", async () => (await field("aof_rewrite_scheduled")) === "0");
    await settled();
  }
  await server.ask("INCR", "last");
  const digest = await server.ask("DEBUG", "DIGEST");
  expect((await crash()).all).toBe(digest);
}, 60_000);
