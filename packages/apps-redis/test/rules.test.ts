/** Rules that Redis's own tests ask for: who may run what on a replica, what is counted, tracked and evicted. */
import { connect } from "node:net";
import { DemiRedis } from "./demi-redis.js";
import { eventually } from "./eventually.js";
import type { Reply } from "./resp-client.js";

let server: DemiRedis;
beforeAll(async () => {
  server = await DemiRedis.start("--enable-debug-command", "yes");
});
afterAll(() => server.stop());

/** Parameters that tests change, as they are at the start. */
const DEFAULTS: Record<string, string> = {
  maxmemory: "0",
  "maxmemory-policy": "noeviction",
  "maxmemory-clients": "0",
  "replica-serve-stale-data": "yes",
};

/** As after its start. */
beforeEach(async () => {
  const replies = await server.call([
    ["CONFIG", "SET", ...Object.entries(DEFAULTS).flat()],
    ["DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "0"],
    ["REPLICAOF", "NO", "ONE"],
    ["FLUSHALL"],
    ["FUNCTION", "FLUSH"],
    ["CONFIG", "RESETSTAT"],
  ]);
  expect(replies).toEqual(replies.map(() => "OK"));
});

test("on a replica functions and scripts may do what they say of themselves, and what they call what it says", async () => {
  const library = `#!lua name=l
redis.register_function('writes', function() return 1 end)
redis.register_function{function_name='reads', callback=function() return 2 end, flags={'no-writes'}}
redis.register_function{function_name='stale', callback=function() return redis.pcall('GET', 'a') end, flags={'no-writes', 'allow-stale'}}`;
  await server.call([
    ["FUNCTION", "LOAD", library],
    ["REPLICAOF", "127.0.0.1", "1"],
  ]);
  const readOnly = { message: "READONLY You can't write against a read only replica." };
  const down = { message: "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'." };
  const calls = [
    ["FCALL", "writes", "0"],
    ["FCALL", "reads", "0"],
    ["FCALL", "stale", "0"],
    ["EVAL", "#!lua\nreturn 3", "0"],
    ["EVAL", "return 4", "0"],
  ];
  expect(await server.call(calls)).toMatchObject([readOnly, 2, null, readOnly, 4]);
  await server.call([["CONFIG", "SET", "replica-serve-stale-data", "no"]]);
  const stale = { message: "ERR Can not execute the command on a stale replica" };
  expect(await server.call(calls)).toMatchObject([readOnly, down, stale, readOnly, 4]);
  expect(await server.call([["MULTI"], ["FCALL", "stale", "0"], ["EXEC"]])).toMatchObject(["OK", "QUEUED", [stale]]);
});

test("a script that reads nothing tracks nothing, EVAL_RO neither", async () => {
  const tracking = await server.connect();
  const told: Reply[] = [];
  tracking.listen((reply) => told.push(reply));
  const replied = async (count: number): Promise<void> =>
    eventually("it is answered", async () => told.length >= count);
  try {
    tracking.write([
      ["HELLO", "3"],
      ["CLIENT", "TRACKING", "ON"],
      ["EVAL_RO", "return 1", "1", "a"],
      ["EVAL", "return 1", "1", "a"],
    ]);
    await replied(4);
    await server.call([["SET", "a", "1"]]);
    tracking.write([["EVAL_RO", "return redis.call('GET', 'b')", "2", "b", "c"]]);
    await replied(5);
    await server.call([["MSET", "c", "1", "b", "1"]]);
    await replied(7);
    expect(told.slice(4)).toEqual([null, ["invalidate", ["c"]], ["invalidate", ["b"]]]);
  } finally {
    tracking.close();
  }
});

test("what fails within a transaction is no failure of EXEC", async () => {
  await server.call([["SET", "a", "text"], ["CONFIG", "RESETSTAT"], ["MULTI"], ["INCR", "a"], ["EXEC"], ["EXEC"]]);
  const text = await server.client.send("INFO", "commandstats");
  expect(text).toMatch(/cmdstat_incr:calls=1,.*failed_calls=1/);
  expect(text).toMatch(/cmdstat_exec:calls=2,.*failed_calls=1/);
});

test("maxmemory takes nothing away within the transaction that sets it", async () => {
  await server.call([["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]]);
  const replies = await server.call([
    ["MULTI"],
    ["INCR", "x"],
    ["CONFIG", "SET", "maxmemory", "1"],
    ["INCR", "x"],
    ["EXEC"],
  ]);
  expect(replies[4]).toEqual([1, "OK", 2]);
  await eventually("all is evicted", async () => (await server.call([["DBSIZE"]]))[0] === 0);
});

test.each([
  ["watches", (i: number) => ["WATCH", `key:${i}`]],
  ["listens to", (i: number) => ["SUBSCRIBE", `channel:${i}`]],
  ["listens to patterns of", (i: number) => ["PSUBSCRIBE", `channel:${i}`]],
  ["tracks", (i: number) => ["CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", `${i}:`]],
])("who %s too much is left (maxmemory-clients)", async (_what, command) => {
  await server.call([["CONFIG", "SET", "maxmemory-clients", "200000"]]);
  const other = await server.connect();
  let answered = 0;
  other.listen(() => answered++);
  const isLeft = async (): Promise<boolean> => /evicted_clients:1\r/.test(await server.client.send("INFO", "stats"));
  try {
    other.write([["HELLO", "3"]]);
    let batches = 0;
    for (; batches < 100 && !(await isLeft()); batches++) {
      other.write(Array.from({ length: 100 }, (_, i) => command(batches * 100 + i)));
      await eventually("they are answered", async () => answered > (batches + 1) * 100 || (await isLeft()));
    }
    expect(batches).toBeGreaterThan(5);
    expect(await isLeft()).toBe(true);
  } finally {
    other.close();
  }
});

test("when maxmemory-clients gets smaller those with most go, before the reply comes", async () => {
  const sizes = [20_000, 200_000, 30_000];
  const others = sizes.map(() => connect(server.port, "127.0.0.1"));
  try {
    for (const [i, one] of others.entries()) {
      // And half of a request.
      one.write(`CLIENT SETNAME size-${sizes[i]}\r\n*2\r\n$3\r\nGET\r\n$${sizes[i] + 1}\r\n${"v".repeat(sizes[i])}`);
      one.on("error", () => {});
    }
    const names = (list: Reply): string[] =>
      [...String(list).matchAll(/name=size-(\d+) .* qbuf=(?!0 )/g)].map(([, size]) => size);
    await eventually("all have come", async () => names((await server.call([["CLIENT", "LIST"]]))[0]).length === 3);
    const [set, list] = await server.call([
      ["CONFIG", "SET", "maxmemory-clients", "200000"],
      ["CLIENT", "LIST"],
    ]);
    expect(set).toBe("OK");
    expect(names(list).sort()).toEqual(["20000", "30000"]);
  } finally {
    for (const one of others) one.destroy();
  }
});

test("a payload whose checksum is wrong is taken only when that is not looked at", async () => {
  const [, payload] = await server.call([
    ["SET", "a", "text"],
    ["DUMP", "a"],
  ]);
  const wrong = `${String(payload).slice(0, -1)}${String(payload).endsWith("x") ? "y" : "x"}`;
  const restore = ["RESTORE", "b", "0", wrong];
  expect(
    await server.call([restore, ["DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", "1"], restore, ["GET", "b"]]),
  ).toMatchObject([{ message: "ERR DUMP payload version or checksum are wrong" }, "OK", "OK", "text"]);
});
