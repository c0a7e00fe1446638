/** Scripts that run for long: who else is answered meanwhile, and what ends them. Both servers tell the same. */
import { once } from "node:events";
import { DemiRedis } from "./demi-redis.js";
import type { RespClient } from "./resp-client.js";
import { sideBySide } from "./side-by-side.js";

const FOREVER = "while true do end";
/** Milliseconds within which a script is known to run for long, and a script that ends by itself does. */
const PATIENCE = 10_000;
/** Runs for as many milliseconds as its argument says. */
const FOR_A_WHILE = `
  local function now() local t = redis.call('time') return t[1] * 1000 + t[2] / 1000 end
  local began = now()
  while now() - began < tonumber(ARGV[1]) do for i = 1, 1000 do end end`;

const LIBRARY = `#!lua name=endless
redis.register_function('endless', function() while true do end end)
redis.register_function{function_name='deaf', callback=function()
  while true do pcall(function() while true do end end) end
end, flags={'no-writes'}}`;

/** Until the server says that it is busy. */
async function busy(client: RespClient): Promise<string> {
  for (const end = Date.now() + PATIENCE; Date.now() < end; ) {
    const reply = await client.send("ping");
    if (reply.startsWith("-BUSY")) return reply;
  }
  throw new Error("the server never is busy");
}

type Scenario = (connect: () => Promise<RespClient>) => Promise<string[]>;

/** Runs what goes on forever; what others hear while it does, and then who ran it. */
function interrupted(command: string[], meanwhile: string[][]): Scenario {
  return async (connect) => {
    const [runner, other] = [await connect(), await connect()];
    await other.send("config", "set", "busy-reply-threshold", "10");
    const ran = runner.answers([command, ["echo", "behind it"]]);
    const heard = [await busy(other)];
    for (const one of meanwhile) heard.push(await other.send(...one));
    heard.push(...(await ran).map(({ bytes }) => bytes), await other.send("ping"));
    runner.close();
    other.close();
    return heard;
  };
}

const SCENARIOS: Record<string, Scenario> = {
  "a script is killed": interrupted(
    ["eval", FOREVER, "0"],
    [
      ["get", "x"],
      ["eval", "return 1", "0"],
      ["nosuch"],
      ["get"],
      ["multi"],
      ["set", "x", "1"],
      ["exec"],
      ["function", "stats"],
      ["function", "kill"],
      ["shutdown"],
      ["script", "kill"],
    ],
  ),
  "one that catches errors is killed, too": interrupted(
    ["eval", "while true do pcall(function() while true do end end) end", "0"],
    [["script", "kill"]],
  ),
  "one that has written is not": async (connect) => {
    const [runner, other] = [await connect(), await connect()];
    await other.send("config", "set", "busy-reply-threshold", "10");
    const ran = runner.answers([["eval", `redis.call('set', 'x', 'y') ${FOR_A_WHILE}`, "1", "x", "400"]]);
    const heard = [await busy(other), await other.send("script", "kill")];
    heard.push((await ran)[0].bytes, await other.send("get", "x"));
    runner.close();
    other.close();
    return heard;
  },
  "who waits for a key is served after it": async (connect) => {
    const [runner, waiting, other] = [await connect(), await connect(), await connect()];
    await other.send("config", "set", "busy-reply-threshold", "10");
    const id = Number((await waiting.send("client", "id")).slice(1));
    const order: string[] = [];
    const served = waiting.send("blpop", "list", "0").then((reply) => order.push(reply));
    for (;;) if ((await other.send("client", "list", "id", String(id))).includes("cmd=blpop")) break;
    const ran = runner
      .send(
        "eval",
        `redis.call('rpush', 'list', 'a', 'b') ${FOR_A_WHILE} return redis.call('llen', 'list')`,
        "0",
        "300",
      )
      .then((reply) => order.push(reply));
    order.push(await busy(other));
    await Promise.all([served, ran]);
    for (const one of [runner, waiting, other]) one.close();
    return order.sort();
  },
  "a client that comes while it runs": async (connect) => {
    const [runner, other] = [await connect(), await connect()];
    await other.send("config", "set", "busy-reply-threshold", "10");
    const ran = runner.answers([["eval", FOREVER, "0"]]);
    const heard = [await busy(other)];
    const late = await connect();
    heard.push(await late.send("get", "x"), await late.send("script", "kill"), (await ran)[0].bytes);
    for (const one of [runner, other, late]) one.close();
    return heard;
  },
  "a function": async (connect) => {
    const client = await connect();
    await client.send("function", "load", "replace", LIBRARY);
    client.close();
    return interrupted(
      ["fcall", "endless", "0"],
      [
        ["get", "x"],
        ["script", "kill"],
        ["function", "kill"],
      ],
    )(connect);
  },
  "a function that catches errors": interrupted(
    ["fcall_ro", "deaf", "0"],
    [
      ["script", "kill"],
      ["function", "kill"],
    ],
  ),
};

sideBySide("scripts that run for long", [], ({ servers }) => {
  test.each(Object.keys(SCENARIOS))("%s", async (name) => {
    const { ours, theirs } = servers();
    const told = await SCENARIOS[name](() => theirs.connect());
    expect(await SCENARIOS[name](() => ours.connect())).toEqual(told);
  });

  test("FUNCTION STATS tells of the function that runs", async () => {
    const told: string[] = [];
    for (const server of [servers().theirs, servers().ours]) {
      const [runner, other] = [await server.connect(), await server.connect()];
      await other.send("function", "load", "replace", LIBRARY);
      const ran = runner.send("fcall", "endless", "1", "key", "word");
      await busy(other);
      told.push((await other.send("function", "stats")).replace(/(duration_ms\r\n):\d+/, "$1:n"));
      await other.send("function", "kill");
      await ran;
      runner.close();
      other.close();
    }
    expect(told[1]).toBe(told[0]);
  });
});

test("a script whose coroutines run for long is killed at once, which redis-server needs seconds for", async () => {
  const server = await DemiRedis.start();
  const source = "while true do coroutine.resume(coroutine.create(function() while true do end end)) end";
  const heard = await interrupted(["eval", source, "0"], [["script", "kill"]])(() => server.connect());
  expect(heard[2]).toMatch(/^-ERR Script killed by user with SCRIPT KILL/);
  await server.stop();
}, 10_000);

test("SHUTDOWN NOSAVE ends a script that has written", async () => {
  const server = await DemiRedis.start("--busy-reply-threshold", "10");
  const runner = await server.connect();
  const ran = runner.send("eval", `redis.call('set', 'x', 'y') ${FOREVER}`, "0").catch((error: Error) => error.message);
  await busy(server.client);
  expect(await server.client.send("script", "kill")).toMatch(/^-UNKILLABLE/);
  const gone = once(server.process, "exit");
  await server.client.send("shutdown", "nosave").catch(() => undefined);
  expect(await gone).toEqual([0, null]);
  await ran;
});
