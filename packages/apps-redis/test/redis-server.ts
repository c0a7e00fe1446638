/** Debian's redis-server beside a test, to compare bytes with: on a socket in a folder of its own, gone with the test. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Reply, type Request, RespClient } from "./resp-client.js";

export type { Reply };

export class RedisServer {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    private readonly client: RespClient,
  ) {}

  static async start(...options: string[]): Promise<RedisServer> {
    const folder = mkdtempSync(join(tmpdir(), "redis-test-"));
    const path = join(folder, "socket");
    const fixed = ["--port", "0", "--unixsocket", path, "--save", "", "--dir", folder];
    const child = spawn("redis-server", [...fixed, ...options], { stdio: "ignore" });
    return new RedisServer(child, folder, await RespClient.open({ path }, child));
  }

  /** Sends commands, of texts of bytes, in one go; their replies. */
  call(commands: readonly Request[]): Promise<Reply[]> {
    return this.client.call(commands);
  }

  /** Another client of it. */
  connect(): Promise<RespClient> {
    return RespClient.open({ path: join(this.folder, "socket") }, this.child);
  }

  async stop(): Promise<void> {
    this.client.close();
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill();
    await gone;
    rmSync(this.folder, { recursive: true, force: true });
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
