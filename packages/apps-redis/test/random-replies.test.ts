/** HRANDFIELD, SRANDMEMBER and ZRANDMEMBER with a count that no memory has room for; DEBUG PAUSE-CRON. */
import { DemiRedis } from "./demi-redis.js";
import { Direct } from "./direct.js";

const COMMANDS = ["HRANDFIELD", "SRANDMEMBER", "ZRANDMEMBER"];

function filled(hard = 0): Direct {
  const one = new Direct(undefined, (config) => {
    config.outputLimits.normal.hard = hard;
  });
  one.call("HSET", "HRANDFIELD", "field", "value");
  one.call("SADD", "SRANDMEMBER", "one", "member");
  one.call("ZADD", "ZRANDMEMBER", 1, "member");
  return one;
}

test.each(COMMANDS)("%s leaves the client where the reply would be too long, and replies what is not", (command) => {
  const one = filled();
  expect(one.call(command, command, -100_000)).toMatch(/^\*100000\r\n/);
  expect(one.client.isLeaving).toBe(false);
  expect(one.call(command, command, `-${2n ** 62n}`)).toBe("");
  expect(one.client.isLeaving).toBe(true);
});

test.each(COMMANDS)("%s does so at the client's own limit", (command) => {
  const one = filled(1_000_000);
  expect(one.call(command, command, -10_000)).toMatch(/^\*10000\r\n/);
  expect(one.client.isLeaving).toBe(false);
  // By the shortest elements it could be; by these it is not.
  expect(one.call(command, command, -120_000)).toBe("");
  expect(one.client.isLeaving).toBe(true);
});

test("DEBUG PAUSE-CRON: what has expired is there until it goes on", async () => {
  const server = await DemiRedis.start("--enable-debug-command", "yes", "--hz", "500");
  try {
    expect(
      await server.call([
        ["DEBUG", "PAUSE-CRON", "1"],
        ["SET", "a", "b", "PX", "1"],
      ]),
    ).toEqual(["OK", "OK"]);
    for (const end = Date.now() + 200; Date.now() < end; ) expect(await server.call([["DBSIZE"]])).toEqual([1]);
    expect(await server.call([["DEBUG", "PAUSE-CRON", "0"]])).toEqual(["OK"]);
    while ((await server.call([["DBSIZE"]]))[0] !== 0);
  } finally {
    await server.stop();
  }
});
