/** demi-redis cli: redis-cli's habits over any backend. */
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { DemiError, type LibOS, openLibOS } from "@demikernel/core";
import type { Command } from "commander";
import { Connection } from "../client/connection.js";
import type { ReplyValue } from "../client/reply-reader.js";
import { splitArguments } from "../protocol/inline.js";
import { forPeople, raw } from "./format.js";

interface Options {
  host: string;
  port: string;
  n?: string;
  a?: string;
  user?: string;
  pass?: string;
  r?: string;
  i?: string;
  raw?: boolean;
  x?: boolean;
  resp3?: boolean;
  libos?: string;
  config?: string;
}

/** Commands after which replies come unasked. */
const LISTENING = new Set(["monitor", "subscribe", "psubscribe", "ssubscribe"]);

export function registerCli(program: Command): void {
  program
    .command("cli [words...]")
    .description("sends commands to a Redis server: those of the command line, or line by line those of the input")
    .helpOption("--help", "display help for command")
    .option("-h, --host <address>", "address of the server", "127.0.0.1")
    .option("-p, --port <n>", "its port", "6379")
    .option("-n <db>", "database to select")
    .option("-a <password>", "password to authenticate with")
    .option("--user <name>", "user to authenticate as, with --pass")
    .option("--pass <password>", "the same as -a")
    .option("-r <times>", "repeat the command")
    .option("-i <seconds>", "with -r: pause between")
    .option("-x", "the last word is read from the input")
    .option("-3, --resp3", "speak RESP3")
    .option("--raw", "replies as they are, also on a terminal")
    .option("--no-raw", "replies for people, also in a pipe")
    .option("--libos <name>", "backend to use where several are installed (or LIBOS in the environment)")
    .option("--config <file>", "configuration of the backend: demi.yaml (or DEMI_CONFIG in the environment)")
    .passThroughOptions()
    .action(async (words: string[], options: Options) => {
      let os: LibOS | undefined;
      try {
        os = await openLibOS({ libos: options.libos, config: options.config });
        const connection = await Connection.open(os, options.host, Number(options.port));
        const failed = await new Shell(connection, options).run(words);
        process.exitCode = failed ? 1 : 0;
      } catch (error) {
        if (!(error instanceof DemiError)) throw error;
        const where = os === undefined ? "" : `Could not connect to Redis at ${options.host}:${options.port}: `;
        console.error(`${where}${error.message}`);
        process.exitCode = 1;
      } finally {
        os?.destroy();
      }
    });
}

class Shell {
  private readonly isRaw: boolean;

  constructor(
    private readonly connection: Connection,
    private readonly options: Options,
  ) {
    this.isRaw = options.raw ?? !process.stdout.isTTY;
  }

  /** True when the last command failed. */
  async run(words: string[]): Promise<boolean> {
    const { a, pass = a, user, n, resp3 } = this.options;
    const setup: string[][] = [];
    if (pass !== undefined) setup.push(user === undefined ? ["AUTH", pass] : ["AUTH", user, pass]);
    if (resp3) setup.push(["HELLO", "3"]);
    if (n !== undefined) setup.push(["SELECT", n]);
    for (const command of setup) {
      const reply = await this.connection.ask(...command);
      if (reply.kind === "-") this.print(reply);
    }
    if (this.options.x) words.push(await inputText());
    if (words.length !== 0) return this.repeat(words.map(bytesOf));
    return this.lines();
  }

  private async repeat(words: string[]): Promise<boolean> {
    let failed = false;
    for (let times = Number(this.options.r ?? 1); times !== 0; times--) {
      failed = await this.command(words);
      if (times !== 1 && this.options.i !== undefined) await pause(Number(this.options.i) * 1000);
    }
    return failed;
  }

  private async command(words: readonly string[]): Promise<boolean> {
    await this.connection.send(words);
    let reply = await this.connection.receive();
    this.print(reply);
    while (LISTENING.has(words[0].toLowerCase()) && reply.kind !== "-") {
      reply = await this.connection.receive();
      this.print(reply);
    }
    return reply.kind === "-";
  }

  /** Commands line by line, until the input ends or says so. */
  private async lines(): Promise<boolean> {
    const isTerminal = process.stdin.isTTY === true;
    const input = createInterface({ input: process.stdin, output: isTerminal ? process.stdout : undefined });
    const prompt = `${this.options.host}:${this.options.port}> `;
    input.setPrompt(prompt);
    if (isTerminal) input.prompt();
    let failed = false;
    for await (const line of input) {
      const words = splitArguments(bytesOf(line));
      if (words === undefined) console.log("Invalid argument(s)");
      else if (words.length !== 0) {
        if (/^(quit|exit)$/i.test(words[0])) break;
        const times = Number(words[0]);
        const repeats = Number.isInteger(times) && times > 0 && words.length > 1 ? times : 1;
        for (let n = 0; n < repeats; n++) failed = await this.command(repeats === 1 ? words : words.slice(1));
      }
      if (isTerminal) input.prompt();
    }
    input.close();
    return failed;
  }

  private print(reply: ReplyValue): void {
    process.stdout.write(Buffer.from(`${this.isRaw ? raw(reply) : forPeople(reply)}\n`, "latin1"));
  }
}

/** The bytes of text from outside, as latin1. */
const bytesOf = (text: string): string => Buffer.from(text).toString("latin1");

async function inputText(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
