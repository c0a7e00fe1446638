/** The same commands to redis-server and to demi-redis, each on a free port; replies are compared as the bytes they are. */
import { type ChildProcess, spawn } from "node:child_process";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { lackingRedis, spawnRedis } from "./redis-program.js";

const CLI = fileURLToPath(new URL("../dist/cli.js", import.meta.url));

/** Milliseconds for the replies to a batch. */
const LONGEST_WAIT = 10_000;

export type Request = readonly (string | number)[];

/** A server, and a connection to it. */
export class Served {
  private constructor(
    private readonly child: ChildProcess,
    private readonly socket: Socket,
  ) {}

  static async start(child: ChildProcess, port: number): Promise<Served> {
    for (let tries = 0; ; tries++) {
      const socket = connect(port, "127.0.0.1");
      const there = await new Promise<boolean>((resolve) => {
        socket.once("connect", () => resolve(true));
        socket.once("error", () => resolve(false));
      });
      if (there) return new Served(child, socket);
      if (tries === 500 || child.exitCode !== null) throw new Error(`${child.spawnfile} does not answer`);
      await pause(20);
    }
  }

  /** Sends commands of latin1 texts in one go; the bytes of each reply as latin1 text. */
  async call(requests: readonly Request[]): Promise<string[]> {
    const replies: string[] = [];
    let rest = "";
    let timer: NodeJS.Timeout | undefined;
    const done = new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`no reply to ${JSON.stringify(requests[replies.length]).slice(0, 1000)}`));
      }, LONGEST_WAIT);
      this.socket.on("data", (bytes) => {
        rest = split(rest + bytes.toString("latin1"), replies);
        if (replies.length === requests.length) resolve();
      });
      this.socket.once("close", () => reject(new Error(`gone after ${replies.length} of ${requests.length} replies`)));
    });
    this.socket.write(Buffer.from(requests.map(resp).join(""), "latin1"));
    try {
      await done;
    } finally {
      clearTimeout(timer);
      this.socket.removeAllListeners("data").removeAllListeners("close");
    }
    return replies;
  }

  async stop(): Promise<void> {
    this.socket.destroy();
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill();
    await gone;
  }
}

export interface Both {
  redis: Served;
  demi: Served;
}

/** Declares tests that compare the two. Without redis-server 7.0 they are skipped, and with CI=true they fail. */
export function besideEachOther(name: string, body: (both: Both) => void): void {
  const reason = lackingRedis();
  if (reason === undefined) {
    describe(name, () => {
      const both = {} as Both;
      beforeAll(async () => {
        const [a, b] = [await freePort(), await freePort()];
        const options = ["--port", String(a), "--save", "", "--appendonly", "no"];
        both.redis = await Served.start(spawnRedis(options), a);
        both.demi = await Served.start(
          spawn(process.execPath, [CLI, "server", "--port", String(b)], { stdio: "ignore" }),
          b,
        );
      });
      afterAll(async () => {
        await both.redis?.stop();
        await both.demi?.stop();
      });
      body(both);
    });
  } else if (process.env.CI === "true") {
    test(name, () => {
      throw new Error(reason);
    });
  } else {
    console.warn(`SKIP: ${name}: ${reason}`);
    test.skip(`${name} (${reason})`, () => {});
  }
}

/** Sends them to both and fails with the first reply that differs, and what went before on the same keys. */
export async function compare({ redis, demi }: Both, requests: readonly Request[]): Promise<void> {
  const [expected, given] = await Promise.all([redis.call(requests), demi.call(requests)]);
  for (let i = 0; i < requests.length; i++) {
    if (expected[i] === given[i]) continue;
    const keys = new Set(requests[i].slice(1, 3).map(String));
    const before = requests.slice(0, i).filter((one) => one.slice(1).some((word) => keys.has(String(word))));
    const shown = before.slice(-12).map((one) => JSON.stringify(one).slice(0, 300));
    throw new Error(
      [
        ...shown,
        `${JSON.stringify(requests[i]).slice(0, 1000)}: redis-server says`,
        JSON.stringify(expected[i].slice(0, 1000)),
        "and demi-redis",
        JSON.stringify(given[i].slice(0, 1000)),
      ].join("\n"),
    );
  }
}

function resp(request: Request): string {
  return `*${request.length}\r\n${request.map((word) => `$${String(word).length}\r\n${word}\r\n`).join("")}`;
}

/** Adds the whole replies at the beginning of the bytes to those there are, and returns the rest. */
function split(bytes: string, replies: string[]): string {
  for (let at = 0; ; ) {
    const end = endOf(bytes, at);
    if (end < 0) return bytes.slice(at);
    replies.push(bytes.slice(at, end));
    at = end;
  }
}

/** Where the reply that begins at `at` ends; -1: later. */
function endOf(bytes: string, at: number): number {
  const feed = bytes.indexOf("\r\n", at);
  if (feed < 0) return -1;
  const kind = bytes[at];
  const count = Number(bytes.slice(at + 1, feed));
  let end = feed + 2;
  if (kind === "$" || kind === "=") return count < 0 ? end : end + count + 2 <= bytes.length ? end + count + 2 : -1;
  if (!"*%~>".includes(kind)) return end;
  for (let n = kind === "%" ? 2 * count : count; n > 0 && end >= 0; n--) end = endOf(bytes, end);
  return end;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
