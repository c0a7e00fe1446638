/** Our server as a program that ends, and says things: its folder is the test's, and stays. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { freePort } from "./demi-redis.js";
import { RespClient } from "./resp-client.js";

const PROGRAM = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
/** Milliseconds for anything to come to pass. */
const PATIENCE = 15_000;

export class RunningServer {
  /** What it has printed. */
  said = "";
  private readonly gone: Promise<number | null>;

  private constructor(
    readonly child: ChildProcess,
    readonly port: number,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.said += text;
      });
    }
    this.gone = once(child, "close").then(([code]) => code as number | null);
  }

  static start(folder: string, ...options: string[]): Promise<RunningServer> {
    return RunningServer.startWith({}, folder, ...options);
  }

  /** `more`: of its environment. */
  static async startWith(more: NodeJS.ProcessEnv, folder: string, ...options: string[]): Promise<RunningServer> {
    const port = await freePort();
    const words = [PROGRAM, "server", "--port", String(port), "--dir", folder, "--enable-debug-command", "yes"];
    const env = { ...process.env, ...more };
    const child = spawn(process.execPath, [...words, ...options], { env, stdio: ["ignore", "pipe", "pipe"] });
    return new RunningServer(child, port);
  }

  connect(): Promise<RespClient> {
    return RespClient.open({ host: "127.0.0.1", port: this.port }, this.child);
  }

  /** Waits until it has loaded what there is. */
  async ready(): Promise<this> {
    await until("it is ready", () => /ready on/.test(this.said) || this.child.exitCode !== null);
    if (!/ready on/.test(this.said)) throw new Error(this.said);
    return this;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Its exit code, when it has ended; null: by a signal. */
  async ended(): Promise<number | null> {
    const late = pause(PATIENCE, "late" as const, { ref: false });
    const code = await Promise.race([this.gone, late]);
    if (code === "late") throw new Error(`it goes on: ${this.said}`);
    return code;
  }

  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
    this.kill(signal);
    return await this.ended();
  }
}

/** Waits for what is to come to pass; an error when it does not. */
export async function until(what: string, happened: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE; !(await happened()); await pause(10)) {
    if (Date.now() > end) throw new Error(`it did not come to pass that ${what}`);
  }
}

/** A field of INFO. */
export async function info(client: RespClient, name: string): Promise<string> {
  const text = String((await client.call([["INFO", "everything"]]))[0]);
  return new RegExp(`^${name}:(.*)\r$`, "m").exec(text)?.[1] ?? "";
}
