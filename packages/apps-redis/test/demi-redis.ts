/** Our server beside a test, on a free port: the built program. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "./eventually.js";
import { type Reply, type Request, RespClient } from "./resp-client.js";

const PROGRAM = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
/** Ports below those that the system gives to clients: from there another test's connection could take it before the server listens. */
const LOWEST = 20_000;
const HIGHEST = 32_000;

export class DemiRedis {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    readonly address: { host: string; port: number },
    /** A client of it. */
    readonly client: RespClient,
  ) {}

  /** It has a folder of its own, and saves nothing unless `options` say so. */
  static start(...options: string[]): Promise<DemiRedis> {
    return DemiRedis.startIn(process.cwd(), ...options);
  }

  /** With a working folder at first, whose packages it runs on. */
  static async startIn(cwd: string, ...options: string[]): Promise<DemiRedis> {
    const address = { host: "127.0.0.1", port: await freePort() };
    const folder = mkdtempSync(join(tmpdir(), "demi-redis-test-"));
    const fixed = ["--port", String(address.port), "--save", "", "--dir", folder];
    const child = spawn(process.execPath, [PROGRAM, "server", ...fixed, ...options], {
      cwd,
      stdio: ["ignore", "ignore", "inherit"],
    });
    const client = await RespClient.open(address, child);
    await eventually("the dataset is loaded", async () => !/^-LOADING/.test(await client.send("PING")));
    return new DemiRedis(child, folder, address, client);
  }

  /** For tests that wait for its end. */
  get process(): ChildProcess {
    return this.child;
  }

  get port(): number {
    return this.address.port;
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
    return RespClient.open(this.address, this.child);
  }

  /** As a crash: nothing is said to anybody. */
  async kill(): Promise<void> {
    this.client.close();
    const gone = once(this.child, "exit");
    if (this.child.kill("SIGKILL")) await gone;
  }

  async stop(): Promise<void> {
    this.client.close();
    const gone = once(this.child, "exit");
    if (this.child.kill()) await gone;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}
