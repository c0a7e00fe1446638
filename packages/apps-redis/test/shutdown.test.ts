/** A master's end waits for replicas that lag, and can be taken back meanwhile. A replica lags as its process is stopped. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RespClient } from "./resp-client.js";
import { info, RunningServer, until } from "./running-server.js";

const FAILED = new Error("ERR Errors trying to SHUTDOWN. Check logs.");

let folder: string;
let replica: RunningServer;
const masters: RunningServer[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "demi-redis-shutdown-"));
  replica = await (await RunningServer.start(folder, "--save", "", "--repl-timeout", "3600")).ready();
});
afterEach(async () => {
  replica.kill("SIGCONT");
  await Promise.all(masters.splice(0).map((one) => one.end("SIGKILL")));
});
afterAll(async () => {
  expect(await replica.end()).toBe(0);
  rmSync(folder, { recursive: true, force: true });
});

/** A master with `key` 1, and a replica that has it, and then 2, which it has not. Tests are not to wait for the limit. */
async function lagging(...options: string[]): Promise<{ master: RunningServer; client: RespClient }> {
  const common = ["--save", "", "--repl-diskless-sync-delay", "0", "--shutdown-timeout", "3600"];
  const master = await (await RunningServer.start(folder, ...common, ...options)).ready();
  masters.push(master);
  const [client, follower] = await Promise.all([master.connect(), replica.connect()]);
  await client.call([["SET", "key", "1"]]);
  await follower.call([["REPLICAOF", "127.0.0.1", String(master.port)]]);
  await until("the replica has it", async () => (await client.call([["WAIT", "1", "100"]]))[0] === 1);
  follower.close();
  replica.kill("SIGSTOP");
  await client.call([["INCR", "key"]]);
  return { master, client };
}

const isWaiting = (client: RespClient): Promise<void> =>
  until("it waits", async () => Number(await info(client, "shutdown_in_milliseconds")) > 0);

test.each(["SIGTERM", "SHUTDOWN"])(
  "%s waits for a replica, which has all then; nothing is written meanwhile",
  async (how) => {
    const { master, client } = await lagging();
    const writer = await master.connect();
    if (how === "SIGTERM") master.kill("SIGTERM");
    else (await master.connect()).write([["SHUTDOWN"]]);
    await isWaiting(client);
    const told: unknown[] = [];
    writer.listen((reply) => told.push(reply));
    writer.write([["INCR", "key"]]);
    await until(
      "the write waits",
      async () => Number(await info(client, "blocked_clients")) === (how === "SIGTERM" ? 1 : 2),
    );
    // What ends a client's pause does not end this one.
    expect(
      await client.call([
        ["CLIENT", "UNPAUSE"],
        ["GET", "key"],
      ]),
    ).toEqual(["OK", "2"]);
    expect(told).toEqual([]);
    replica.kill("SIGCONT");
    expect(await master.ended()).toBe(0);
    expect(told).toEqual([]);
    expect(master.said).toContain("1 of 1 replicas are in sync");
    const follower = await replica.connect();
    expect(await follower.call([["GET", "key"]])).toEqual(["2"]);
    follower.close();
  },
);

test("whoever has waited for long enough ends, and says who lags", async () => {
  const { master, client } = await lagging("--shutdown-timeout", "1");
  client.write([["SHUTDOWN"]]);
  expect(await master.ended()).toBe(0);
  expect(master.said).toMatch(/Lagging replica 127\.0\.0\.1:\d+: \d+ bytes behind[\s\S]*0 of 1 replicas are in sync/);
});

test("SHUTDOWN ABORT: all are told, and it goes on; SHUTDOWN NOW does not wait", async () => {
  const { master, client } = await lagging("--appendonly", "yes", "--appenddirname", "aborted");
  expect(await client.call([["SHUTDOWN", "ABORT"]])).toEqual([new Error("ERR No shutdown in progress.")]);
  const waiting = await Promise.all([master.connect(), master.connect(), master.connect()]);
  const replies = waiting.map((one, i) => one.call([i === 2 ? ["INCR", "key"] : ["SHUTDOWN"]]));
  await until("all wait", async () => (await info(client, "blocked_clients")) === "3");
  const id = String((await client.call([["CLIENT", "LIST"]]))[0]).match(/id=(\d+)[^\n]*cmd=shutdown/)?.[1] as string;
  expect(
    await client.call([
      ["CLIENT", "UNBLOCK", id],
      ["SHUTDOWN", "ABORT"],
    ]),
  ).toEqual([0, "OK"]);
  expect(await Promise.all(replies)).toEqual([[FAILED], [FAILED], [3]]);
  expect(await info(client, "shutdown_in_milliseconds")).toBe("");
  // What has waited is told, and not what has let it go on.
  const told = readFileSync(join(folder, "aborted/appendonly.aof.1.incr.aof"), "latin1");
  expect(told.match(/INCR/g)).toHaveLength(2);
  expect(told).not.toMatch(/SHUTDOWN|ABORT/i);
  client.write([["SHUTDOWN", "NOW"]]);
  expect(await master.ended()).toBe(0);
  expect(master.said).toContain("0 of 1 replicas are in sync");
});

test("a second SIGINT does not wait, a second SIGTERM does", async () => {
  const { master, client } = await lagging();
  for (const signal of ["SIGTERM", "SIGTERM"] as const) {
    master.kill(signal);
    await isWaiting(client);
  }
  master.kill("SIGINT");
  expect(await master.ended()).toBe(1);
});

test("whoever has no base of the append-only file yet does not end, unless by FORCE", async () => {
  const { master, client } = await lagging();
  await client.call([["CONFIG", "SET", "rdb-key-save-delay", "2000000000", "appendonly", "yes"]]);
  const asked = await master.connect();
  const reply = asked.call([["SHUTDOWN"]]);
  await isWaiting(client);
  replica.kill("SIGCONT");
  expect(await reply).toEqual([FAILED]);
  expect(master.said).toMatch(/1 of 1 replicas are in sync[\s\S]*Writing initial AOF, can't exit/);
  expect(await client.call([["INCR", "key"]])).toEqual([3]);
  client.write([["SHUTDOWN", "NOW", "FORCE"]]);
  expect(await master.ended()).toBe(0);
});
