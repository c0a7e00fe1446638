/** 10,000 connections that stay, to an http server. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { until, within } from "../libraries/support.mjs";

const MANY = 10_000;
const CHUNK = 200;
/** One process's. */
const DESCRIPTORS = MANY + 500;
const LIMIT = 25_000;
const CLIENT = fileURLToPath(new URL("crowd-client.mjs", import.meta.url));

/** Answers of who is told by lines what to do. */
class Told {
  constructor(port) {
    this.child = spawn(process.execPath, [CLIENT, String(port), String(MANY), String(CHUNK)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.ended = new Promise((resolve) => this.child.on("exit", resolve));
    this.lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }
  async tell(what) {
    this.child.stdin.write(`${what}\n`);
    const { value, done } = await within(this.lines.next(), `the clients' "${what}"`, LIMIT);
    assert.equal(done, false, "the clients are gone");
    return JSON.parse(value);
  }
  end() {
    this.child.stdin.end();
    return within(this.ended, "the clients' end", LIMIT);
  }
}

const limitOf = (flag) => {
  const text = spawnSync("sh", ["-c", `ulimit ${flag}`], { encoding: "utf8" }).stdout.trim();
  return text === "unlimited" ? Number.POSITIVE_INFINITY : Number(text);
};

/** After the garbage is gone. */
async function heap() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await sleep(1);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { used: heapUsed + external, rss };
}

export default {
  "10,000 keep-alive connections to an http server, each served twice": async (via) => {
    if (limitOf("-n") < DESCRIPTORS)
      return { skipped: `${DESCRIPTORS} descriptors are needed: ulimit -Hn is ${limitOf("-Hn")}` };
    let served = 0;
    let connected = 0;
    const sockets = new Set();
    const server = createServer((_request, response) => {
      served++;
      response.end("served\n");
    });
    // Who waits stays: the test's end is not to be Node's sweep over silent ones.
    server.keepAliveTimeout = 0;
    server.on("connection", (socket) => {
      connected++;
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket));
    });
    const port = await via.listen(server);
    const before = await heap();
    const clients = new Told(port);
    try {
      const good = { open: MANY, errors: 0, closes: 0, wrong: 0 };
      assert.deepEqual(await clients.tell("connect"), { done: "connect", ...good });
      await until(() => connected === MANY, "all of them accepted");
      assert.deepEqual(await clients.tell("ask"), { done: "ask", ...good });
      const with1 = await heap();
      assert.deepEqual(await clients.tell("ask"), { done: "ask", ...good });
      const with2 = await heap();
      assert.deepEqual({ served, sockets: sockets.size }, { served: 2 * MANY, sockets: MANY });
      if (via.os !== undefined) assert.ok(via.os.stats().queues >= MANY);
      const bytes = Math.round((with2.used - before.used) / MANY);
      const resident = Math.round((with2.rss - before.rss) / MANY);
      await clients.tell("end");
      await until(() => sockets.size === 0, "the end of the server's sockets", 5000);
      await via.close(server);
      assert.ok(bytes < 20 * 1024, `${bytes} bytes a connection`);
      return { bytes, bytesFirst: Math.round((with1.used - before.used) / MANY), resident };
    } finally {
      await clients.end();
    }
  },
};
