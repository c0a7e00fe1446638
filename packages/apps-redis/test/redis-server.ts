/** Debian's redis-server beside a test, to compare bytes with: on a socket in a folder of its own, gone with the test. */
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lackingRedis, spawnRedis } from "./redis-program.js";
import { type Reply, type Request, RespClient } from "./resp-client.js";
import { unlessLacking } from "./skipping.js";

export class RedisServer {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    /** Its unix socket. */
    readonly address: { path: string },
    /** A client of it. */
    readonly client: RespClient,
  ) {}

  static async start(...options: string[]): Promise<RedisServer> {
    const folder = mkdtempSync(join(tmpdir(), "redis-test-"));
    const path = join(folder, "socket");
    const fixed = ["--port", "0", "--unixsocket", path, "--save", "", "--dir", folder];
    const child = spawnRedis([...fixed, ...options]);
    return new RedisServer(child, folder, { path }, await RespClient.open({ path }, child));
  }

  /** Sends commands, of texts of bytes, in one go; their replies. */
  call(commands: readonly Request[]): Promise<Reply[]> {
    return this.client.call(commands);
  }

  /** Another client of it. */
  connect(): Promise<RespClient> {
    return RespClient.open(this.address, this.child);
  }

  async stop(): Promise<void> {
    this.client.close();
    const gone = once(this.child, "exit");
    if (this.child.kill()) await gone;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Declares tests beside a redis-server, which is there while they run. */
export function besideRedis(name: string, options: readonly string[], body: (redis: () => RedisServer) => void): void {
  unlessLacking(lackingRedis(), name, () =>
    describe(name, () => {
      let redis: RedisServer | undefined;
      beforeAll(async () => {
        redis = await RedisServer.start(...options);
      });
      body(() => redis as RedisServer);
      // Behind what the tests have to end: it would wait ten seconds for who still follows it.
      afterAll(() => redis?.stop());
    }),
  );
}
