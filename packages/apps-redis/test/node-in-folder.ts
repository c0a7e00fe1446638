/** A server of either kind on a port and in a folder of its own, which can end and begin again there. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "./demi-redis.js";
import { spawnRedis } from "./redis-program.js";
import { type Reply, RespClient } from "./resp-client.js";

const PROGRAM = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
/** Milliseconds for what has to come about. */
const PATIENCE = 20_000;

export type Kind = "demi-redis" | "redis-server";

export class NodeInFolder {
  readonly folder = mkdtempSync(join(tmpdir(), "demi-redis-node-"));
  private child: ChildProcess | undefined;
  private opened: RespClient | undefined;

  private constructor(
    readonly kind: Kind,
    readonly port: number,
    private readonly options: readonly string[],
  ) {}

  static async start(kind: Kind, ...options: string[]): Promise<NodeInFolder> {
    const node = new NodeInFolder(kind, await freePort(), options);
    await node.start();
    return node;
  }

  async start(...more: string[]): Promise<void> {
    const words = ["--port", String(this.port), "--dir", this.folder, "--save", "", "--enable-debug-command", "yes"];
    const all = [...words, "--repl-diskless-sync-delay", "0", ...this.options, ...more];
    this.child =
      this.kind === "redis-server"
        ? spawnRedis(all)
        : spawn(process.execPath, [PROGRAM, "server", ...all], { stdio: ["ignore", "ignore", "inherit"] });
    await this.ready();
  }

  /** It has loaded what there is. A listener of one that was killed may take a connection yet, and is gone then. */
  private async ready(): Promise<void> {
    for (const end = Date.now() + PATIENCE; ; await pause(5)) {
      this.opened = await this.connect();
      const reply = await this.ask("PING").catch((error: Error) => error);
      if (reply === "PONG") return;
      this.opened.close();
      if (Date.now() > end) throw new Error(`${this.kind} is not ready: ${reply}`);
    }
  }

  get client(): RespClient {
    return this.opened as RespClient;
  }

  get pid(): number {
    return this.child?.pid as number;
  }

  connect(): Promise<RespClient> {
    return RespClient.open({ host: "127.0.0.1", port: this.port }, this.child as ChildProcess);
  }

  /** One command; its reply. An error is a value. */
  async ask(...command: string[]): Promise<Reply> {
    return (await this.client.call([command]))[0];
  }

  async info(section = "replication"): Promise<Record<string, string>> {
    const lines = String(await this.ask("INFO", section)).split("\r\n");
    return Object.fromEntries(lines.filter((line) => line.includes(":")).map((line) => line.split(/:(.*)/s)));
  }

  /** Waits until INFO says so. */
  async until(what: string, holds: (info: Record<string, string>) => boolean): Promise<Record<string, string>> {
    for (const end = Date.now() + PATIENCE; ; ) {
      const info = await this.info();
      if (holds(info)) return info;
      if (Date.now() > end) throw new Error(`${this.kind} does not get to this: ${what}: ${JSON.stringify(info)}`);
      await pause(20);
    }
  }

  /** It ends, without a chance to say goodbye. */
  async kill(): Promise<void> {
    this.client.close();
    const child = this.child as ChildProcess;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Waits until a replica has all of its master's stream. */
export async function caughtUp(replica: NodeInFolder, master: NodeInFolder): Promise<void> {
  for (;;) {
    const { master_repl_offset: offset } = await master.info();
    const info = await replica.until(
      `all of ${offset}`,
      (one) => one.master_link_status === "up" && Number(one.slave_repl_offset) >= Number(offset),
    );
    const { master_repl_offset: after, master_replid: id } = await master.info();
    // A ping may have come between.
    if (info.slave_repl_offset === after && info.master_replid === id) return;
  }
}
