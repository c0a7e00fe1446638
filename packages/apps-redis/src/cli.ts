#!/usr/bin/env node
import { openLibOS } from "@demikernel/core";
import { Command } from "commander";
import { registerBench } from "./bench/command.js";
import { Config } from "./config/config.js";
import { Server } from "./server/server.js";
import { registerCli } from "./shell/command.js";

const program = new Command("demi-redis").description("A Redis 7.0 server over any Demikernel backend");
program
  .command("server")
  .option("--port <n>", "port to listen on", "6379")
  .option("--host <address>", "address to listen on", "127.0.0.1")
  .option("--libos <name>", "backend to use where several are installed (or LIBOS in the environment)")
  .action(async (options: { port: string; host: string; libos?: string }) => {
    const os = await openLibOS({ libos: options.libos });
    const config = new Config();
    config.port = Number(options.port);
    const server = new Server(os, config);
    server.listen(options.host, config.port);
    process.once("SIGTERM", () => server.stop());
    process.once("SIGINT", () => server.stop());
    console.log(`demi-redis: ready on ${options.host}:${config.port}, ${os.name} (${os.engine}), pid ${process.pid}`);
    await server.run();
    os.destroy();
  });
program.enablePositionalOptions();
registerCli(program);
registerBench(program);

await program.parseAsync();
