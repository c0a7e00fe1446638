#!/usr/bin/env node
import { createRequire } from "node:module";
import { Command } from "commander";
import { registerBench } from "./bench/command.js";
import { registerClient } from "./commands/client.js";
import { registerRelay } from "./commands/relay.js";
import { registerServer } from "./commands/server.js";
import { Exit, Failure } from "./failure.js";

const { version } = createRequire(import.meta.url)("../package.json") as { version: string };

// Whoever reads our output may leave first (`demi-echo server | head -1`): that is no reason to stop.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
});

const program = new Command("demi-echo")
  .description("Echo server, client, relay and benchmark over any Demikernel backend")
  .version(version)
  .configureHelp({ showGlobalOptions: true })
  .showHelpAfterError("(see demi-echo --help, or demi-echo help COMMAND)")
  .addHelpText(
    "after",
    "\nExit codes: 0 done, 1 a bad option, no backend, a failed connection; see each command for its own",
  );
registerServer(program);
registerClient(program);
registerRelay(program);
registerBench(program);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof Failure) {
    console.error(`demi-echo: ${error.message}`);
    process.exitCode = error.exitCode;
  } else {
    console.error(error);
    process.exitCode = Exit.FAILED;
  }
}
