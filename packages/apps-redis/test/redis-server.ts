/** Debian's redis-server beside a test, to compare bytes with: on a socket in a folder of its own, gone with the test. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

/** A reply as text of bytes; an error as the Error. */
export type Reply = string | number | null | Error | Reply[];

export class RedisServer {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    private readonly socket: Socket,
  ) {}

  static async start(...options: string[]): Promise<RedisServer> {
    const folder = mkdtempSync(join(tmpdir(), "redis-test-"));
    const path = join(folder, "socket");
    const fixed = ["--port", "0", "--unixsocket", path, "--save", "", "--dir", folder];
    const child = spawn("redis-server", [...fixed, ...options], { stdio: "ignore" });
    for (let tries = 0; ; tries++) {
      const socket = connect(path);
      const there = await new Promise<boolean>((resolve) => {
        socket.once("connect", () => resolve(true));
        socket.once("error", () => resolve(false));
      });
      if (there) return new RedisServer(child, folder, socket);
      if (tries === 200 || child.exitCode !== null) throw new Error("redis-server does not answer");
      await pause(20);
    }
  }

  /** Sends commands, of texts of bytes, in one go; their replies. */
  async call(commands: readonly (readonly (string | number)[])[]): Promise<Reply[]> {
    const replies: Reply[] = [];
    const reader = new ReplyReader();
    const done = new Promise<void>((resolve, reject) => {
      this.socket.on("data", (bytes) => {
        reader.add(bytes);
        for (let reply = reader.next(); reply !== undefined; reply = reader.next()) replies.push(reply);
        if (replies.length === commands.length) resolve();
      });
      this.socket.once("close", () => reject(new Error("redis-server is gone")));
    });
    const parts: string[] = [];
    for (const command of commands) {
      parts.push(`*${command.length}\r\n`);
      for (const word of command) parts.push(`$${String(word).length}\r\n${word}\r\n`);
    }
    this.socket.write(Buffer.from(parts.join(""), "latin1"));
    await done;
    this.socket.removeAllListeners("data").removeAllListeners("close");
    return replies;
  }

  async stop(): Promise<void> {
    this.socket.destroy();
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill();
    await gone;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

class ReplyReader {
  private parts: Buffer[] = [];
  private text = "";
  private at = 0;

  add(bytes: Buffer): void {
    this.parts.push(bytes);
  }

  /** The next whole reply, or undefined. */
  next(): Reply | undefined {
    if (this.parts.length !== 0) {
      this.text = this.text.slice(this.at) + Buffer.concat(this.parts).toString("latin1");
      this.at = 0;
      this.parts = [];
    }
    const start = this.at;
    const reply = this.read();
    if (reply === undefined) this.at = start;
    return reply;
  }

  private read(): Reply | undefined {
    const end = this.text.indexOf("\r\n", this.at);
    if (end < 0) return undefined;
    const line = this.text.slice(this.at + 1, end);
    const kind = this.text[this.at];
    this.at = end + 2;
    if (kind === "+") return line;
    if (kind === "-") return new Error(line);
    if (kind === ":") return Number(line);
    const length = Number(line);
    if (length < 0) return null;
    if (kind === "$") {
      if (this.text.length < this.at + length + 2) return undefined;
      this.at += length + 2;
      return this.text.slice(this.at - length - 2, this.at - 2);
    }
    const replies: Reply[] = [];
    for (let i = 0; i < length; i++) {
      const reply = this.read();
      if (reply === undefined) return undefined;
      replies.push(reply);
    }
    return replies;
  }
}

/** Why there is no redis-server to compare with, or undefined. */
function lacking(): string | undefined {
  const { error, stdout } = spawnSync("redis-server", ["--version"], { encoding: "utf8" });
  if (error !== undefined) return "redis-server is not installed";
  return / v=7\.0\./.test(stdout) ? undefined : `redis-server is not 7.0: ${stdout.trim()}`;
}

/** Declares tests beside a redis-server, which is there while they run. Without one they are skipped, and with CI=true they fail. */
export function besideRedis(name: string, options: string[], body: (redis: () => RedisServer) => void): void {
  const reason = lacking();
  if (reason === undefined) {
    describe(name, () => {
      let redis: RedisServer;
      beforeAll(async () => {
        redis = await RedisServer.start(...options);
      });
      afterAll(() => redis.stop());
      body(() => redis);
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
