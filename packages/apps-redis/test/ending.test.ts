/** The end of a server under load: what it has acknowledged is on the disk, and it does end. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RespClient } from "./resp-client.js";
import { RunningServer, until } from "./running-server.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "demi-redis-ending-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const CLIENTS = 8;
/** Requests of a client that have no reply yet: so there is always something on its way to the disk. */
const PIPELINED = 16;
/** Long enough for the disk to be behind. */
const WORD = "w".repeat(8 * 1024);

/** Appends to its key until the server is gone; how often it was told so. */
function count(client: RespClient, key: string): { told: number; isGone: Promise<void> } {
  const counter = { told: 0, isGone: Promise.resolve() };
  client.listen((reply) => {
    if (typeof reply === "number") counter.told = reply;
    client.write([["RPUSH", key, WORD]]);
  });
  counter.isGone = new Promise((resolve) => client.onGone(resolve));
  client.write(Array.from({ length: PIPELINED }, () => ["RPUSH", key, WORD]));
  return counter;
}

test.each([
  ["always", "SIGTERM"],
  ["everysec", "SIGTERM"],
  ["everysec", "SHUTDOWN"],
])(
  "with appendfsync %s, by %s",
  async (appendfsync, how) => {
    const options = ["--save", "", "--appendonly", "yes", "--appendfsync", appendfsync];
    let server = await (await RunningServer.start(folder, ...options)).ready();
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => server.connect()));
    const counters = clients.map((client, i) => count(client, `key:${i}`));
    await until("all are served", () => counters.every(({ told }) => told > 50));
    if (how === "SIGTERM") server.kill("SIGTERM");
    else (await server.connect()).write([["SHUTDOWN"]]);
    expect(await server.ended()).toBe(0);
    await Promise.all(counters.map(({ isGone }) => isGone));
    server = await (await RunningServer.start(folder, ...options)).ready();
    const client = await server.connect();
    const found = (await client.call(counters.map((_, i) => ["LLEN", `key:${i}`]))).map(Number);
    for (const [i, { told }] of counters.entries()) expect(found[i]).toBeGreaterThanOrEqual(told);
    client.close();
    expect(await server.end()).toBe(0);
  },
  60_000,
);
