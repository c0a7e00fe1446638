/** Debian's redis-server beside a test, to compare bytes with: on a socket in a folder of its own, gone with the test. */
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lackingRedis, spawnRedis } from "./redis-program.js";
import { type Reply, type Request, RespClient } from "./resp-client.js";

export type { Reply };

export class RedisServer {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    /** Its unix socket. */
    readonly path: string,
    private readonly client: RespClient,
  ) {}

  static async start(...options: string[]): Promise<RedisServer> {
    const folder = mkdtempSync(join(tmpdir(), "redis-test-"));
    const path = join(folder, "socket");
    const fixed = ["--port", "0", "--unixsocket", path, "--save", "", "--dir", folder];
    const child = spawnRedis([...fixed, ...options]);
    return new RedisServer(child, folder, path, await RespClient.open({ path }, child));
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

/** Declares tests beside a redis-server, which is there while they run. Without one they are skipped, and with CI=true they fail. */
export function besideRedis(name: string, options: string[], body: (redis: () => RedisServer) => void): void {
  const reason = lackingRedis();
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
