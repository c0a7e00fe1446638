/** The clients that people have, unmodified: ioredis, node-redis, redis-cli and redis-benchmark. */
import { spawnSync } from "node:child_process";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { DemiRedis } from "./demi-redis.js";
import { lackingClient, unlessLacking } from "./skipping.js";

let server: DemiRedis;
beforeAll(async () => {
  server = await DemiRedis.start();
});
afterAll(() => server.stop());

describe("ioredis", () => {
  let client: Redis;
  let second: Redis;
  beforeAll(() => {
    client = new Redis(server.port);
    second = client.duplicate();
  });
  afterAll(async () => {
    await Promise.all([client.quit(), second.quit()]);
  });
  beforeEach(() => client.flushall());

  test("values of each type, in a pipeline", async () => {
    const replies = await client
      .pipeline()
      .set("s", "text")
      .incrby("n", 5)
      .hset("h", { a: "1", b: "2" })
      .rpush("l", "x", "y", "z")
      .sadd("t", "one")
      .zadd("z", 1, "low", 2, "high")
      .hgetall("h")
      .lrange("l", 0, -1)
      .zrange("z", 0, -1, "WITHSCORES")
      .exec();
    expect(replies?.map(([error]) => error)).toEqual(Array(9).fill(null));
    expect(replies?.slice(6).map(([, reply]) => reply)).toEqual([
      { a: "1", b: "2" },
      ["x", "y", "z"],
      ["low", "1", "high", "2"],
    ]);
  });

  test("bytes that are no text", async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, n) => n));
    await client.set("bytes", bytes);
    expect(await client.getBuffer("bytes")).toEqual(bytes);
  });

  test("a value of a megabyte", async () => {
    const large = Buffer.alloc(1_000_000, "0123456789");
    await client.set("large", large);
    expect((await client.getBuffer("large"))?.equals(large)).toBe(true);
  });

  test("a transaction, and one that somebody else has spoiled", async () => {
    expect(await client.multi().set("a", "1").incr("a").exec()).toEqual([
      [null, "OK"],
      [null, 2],
    ]);
    await client.watch("a");
    await second.set("a", "7");
    expect(await client.multi().incr("a").exec()).toBeNull();
  });

  test("a list that is waited for", async () => {
    const popped = second.blpop("queue", 10);
    await client.rpush("queue", "job");
    expect(await popped).toEqual(["queue", "job"]);
  });

  test("messages", async () => {
    const listener = client.duplicate();
    const got = new Promise((resolve) => listener.once("message", (channel, message) => resolve([channel, message])));
    await listener.subscribe("news");
    expect(await client.publish("news", "hello")).toBe(1);
    expect(await got).toEqual(["news", "hello"]);
    await listener.quit();
  });

  test("all keys by SCAN", async () => {
    await client.mset(Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`k${n}`, "v"])));
    const found = new Set<string>();
    for await (const keys of client.scanStream({ count: 50 })) for (const key of keys as string[]) found.add(key);
    expect(found.size).toBe(1000);
  });
});

describe("node-redis", () => {
  test("values, RESP3's of them too, and a stream with a group", async () => {
    const client = createClient({ url: `redis://127.0.0.1:${server.port}` });
    await client.connect();
    await client.flushAll();
    await client.set("a", "1", { EX: 100 });
    expect(await client.get("a")).toBe("1");
    expect(await client.ttl("a")).toBe(100);
    await client.hSet("h", { x: "1", y: "2" });
    expect({ ...(await client.hGetAll("h")) }).toEqual({ x: "1", y: "2" });
    const id = await client.xAdd("log", "*", { event: "start" });
    await client.xGroupCreate("log", "workers", "0");
    const [read] = (await client.xReadGroup("workers", "one", { key: "log", id: ">" })) ?? [];
    expect(read?.messages.map((one) => one.id)).toEqual([id]);
    expect(await client.xAck("log", "workers", id)).toBe(1);
    await client.quit();
  });
});

test("a request of 800,001 small arguments takes no time that grows with its square", async () => {
  const pairs = Array.from({ length: 400_000 }, (_, n) => [`many:${n}`, String(n)]).flat();
  expect(await server.call([["MSET", ...pairs]])).toEqual(["OK"]);
  expect(await server.call([["GET", "many:399999"], ["FLUSHALL"]])).toEqual(["399999", "OK"]);
});

/** Declares a test that needs a program of Debian's redis-tools. */
function withTool(program: "redis-cli" | "redis-benchmark", name: string, body: () => void): void {
  unlessLacking(lackingClient(program), name, () => test(name, body));
}

withTool("redis-cli", "redis-cli, with its own eyes on the server", () => {
  const cli = (...words: string[]) =>
    spawnSync("redis-cli", ["-p", String(server.port), ...words], { encoding: "utf8", timeout: 20_000 });
  expect(cli("ping").stdout).toBe("PONG\n");
  expect(cli("-3", "hset", "person", "name", "Ada").stdout).toBe("1\n");
  expect(cli("-3", "hgetall", "person").stdout).toBe("name Ada\n");
  expect(cli("--bigkeys").status).toBe(0);
  expect(cli("info", "server").stdout).toContain("redis_version:7.0.");
});

withTool("redis-benchmark", "redis-benchmark, all its tests", () => {
  const { stdout, status } = spawnSync(
    "redis-benchmark",
    ["-p", String(server.port), "-n", "2000", "-r", "1000", "-P", "4", "--csv"],
    { encoding: "utf8", timeout: 60_000 },
  );
  expect(status).toBe(0);
  expect(stdout.trim().split("\n").length).toBeGreaterThan(15);
});
