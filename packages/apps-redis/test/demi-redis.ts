/** Our server beside a test, on a free port: the built program. */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { type Reply, type Request, RespClient } from "./resp-client.js";

const PROGRAM = fileURLToPath(new URL("../dist/cli.js", import.meta.url));

export class DemiRedis {
  private constructor(
    private readonly child: ChildProcess,
    private readonly client: RespClient,
    readonly port: number,
  ) {}

  static async start(...options: string[]): Promise<DemiRedis> {
    const port = await freePort();
    const child = spawn(process.execPath, [PROGRAM, "server", "--port", String(port), ...options], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    return new DemiRedis(child, await RespClient.open({ host: "127.0.0.1", port }, child), port);
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** Sends commands, of texts of bytes, in one go; their replies. */
  call(commands: readonly Request[]): Promise<Reply[]> {
    return this.client.call(commands);
  }

  /** Another client of it. */
  connect(): Promise<RespClient> {
    return RespClient.open({ host: "127.0.0.1", port: this.port }, this.child);
  }

  async stop(): Promise<void> {
    this.client.close();
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill();
    await gone;
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve((address as { port: number }).port));
    });
  });
}
