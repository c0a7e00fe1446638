#!/usr/bin/env -S node --single-threaded-gc --max-semi-space-size=1 --max-inlined-bytecode-size-cumulative=2000
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { DemiError, type LibOS, openLibOS } from "@demikernel/core";
import { Command } from "commander";
import { loadUsers } from "./acl/file.js";
import { registerBench } from "./bench/command.js";
import { Config } from "./config/config.js";
import { ConfigError, directivesOf, type Loaded, loadFile, loadText } from "./config/file.js";
import { LoadError } from "./persistence/load-error.js";
import { LoadAborted } from "./persistence/load-rdb.js";
import { Signals } from "./persistence/signals.js";
import { loadAtStart } from "./persistence/start.js";
import { yieldToCommands } from "./server/helper-threads.js";
import { followListening, listenAsConfigured } from "./server/listening.js";
import { Server } from "./server/server.js";
import { registerCli } from "./shell/command.js";
import { TlsListening } from "./tls/listening.js";

interface ServerOptions {
  port?: string;
  host?: string;
  libos?: string;
  config?: string;
}

/** Told to the user without a stack. */
class Failure extends Error {}
/** Where backends are looked for: `dir` leads elsewhere. */
const STARTED_IN = process.cwd();
const SENTENCES = [ConfigError, DemiError, Failure, LoadError];

const { version } = createRequire(import.meta.url)("../package.json") as { version: string };

const program = new Command("demi-redis")
  .description("A Redis 7.0 server over any Demikernel backend")
  .version(version);
program
  .command("server")
  .description("serves Redis's clients, until SIGTERM or Ctrl-C")
  .usage("[options] [redis.conf] [--directive value...]")
  .option("--port <n>", "port to listen on (default: 6379)")
  .option("--host <address>", "address to listen on (default: what bind has, 127.0.0.1)")
  .option("--libos <name>", "backend to use where several are installed (or LIBOS in the environment)")
  .option("--config <file>", "configuration of the backend: demi.yaml")
  .allowUnknownOption()
  .allowExcessArguments()
  .action(async (options: ServerOptions, command: Command) => {
    try {
      await serve(options, command.args);
    } catch (error) {
      if (!SENTENCES.some((kind) => error instanceof kind)) throw error;
      console.error(`demi-redis: ${(error as Error).message}`);
      process.exitCode = 1;
    }
  });
program.enablePositionalOptions();
registerCli(program);
registerBench(program);

await program.parseAsync();

async function serve(options: ServerOptions, words: readonly string[]): Promise<void> {
  const config = new Config();
  const loaded: Loaded = { users: [], renamed: [], unknown: [], hasSave: false };
  const file = words[0]?.startsWith("--") === false ? words[0] : undefined;
  if (file !== undefined) {
    // Before it says `dir`.
    config.file = resolve(file);
    loadFile(config, file, loaded);
  }
  loadText(config, directivesOf(words.slice(file === undefined ? 0 : 1)), "command line", loaded);
  if (options.port !== undefined) loadText(config, `port ${options.port}`, "command line", loaded);
  if (options.host !== undefined) loadText(config, `bind ${options.host}`, "command line", loaded);
  if (loaded.unknown.length !== 0) {
    console.error(`demi-redis: directives that are not known here, and do nothing: ${loaded.unknown.join(", ")}`);
  }
  const idle = config.changedInVain();
  if (idle.length !== 0) console.error(`demi-redis: parameters that nothing comes of here: ${idle.join(", ")}`);
  yieldToCommands();
  const backend = options.config === undefined ? undefined : resolve(STARTED_IN, options.config);
  const os = await openLibOS({ libos: options.libos, config: backend, from: STARTED_IN });
  try {
    await run(os, config, loaded);
  } finally {
    os.destroy();
  }
}

async function run(os: LibOS, config: Config, { renamed, users }: Loaded): Promise<void> {
  const server = new Server(os, config);
  for (const [from, to] of renamed) {
    const why = server.commands.rename(from, to);
    if (why !== undefined) throw new Failure(`rename-command ${from}: ${why}`);
  }
  const wrong = config.aclfile === "" ? undefined : loadUsers(server, config.aclfile);
  if (wrong !== undefined) throw new Failure(wrong);
  for (const [name, ...rules] of users) {
    const why = server.acl.setUser(name, rules);
    if (why !== undefined) throw new Failure(`user ${name}: ${why}`);
  }
  try {
    // First: whoever finds the port without TLS finds the other one, too.
    await new TlsListening(server).start();
    listenAsConfigured(server);
  } catch (error) {
    throw new Failure((error as Error).message);
  }
  followListening(server);
  new Signals(server);
  const running = server.run();
  try {
    await loadAtStart(server);
  } catch (error) {
    server.stop();
    await running;
    if (error instanceof LoadAborted) return;
    throw (error as NodeJS.ErrnoException).code === undefined ? error : new Failure((error as Error).message);
  }
  const where = config.bind.split(" ")[0].replace(/^-/, "");
  const ports = [config.port, config.tlsPort].filter((port) => port !== 0).join(" and ");
  console.log(`demi-redis: ready on ${where}:${ports}, ${os.name} (${os.engine}), pid ${process.pid}`);
  await running;
}
