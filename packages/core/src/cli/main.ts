#!/usr/bin/env node
import { Command } from "commander";
import memory from "../memory.js";
import { examine, render as renderDoctor } from "./doctor.js";
import { collect, render as renderInfo } from "./info.js";
import { json, messageOf } from "./report.js";

// A closed pipe (demikernel info | head -1) is not an error here.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

const program = new Command("demikernel")
  .description("Tells what this machine and the installed Demikernel backends can do.")
  .version(memory.version)
  .showHelpAfterError()
  .addHelpText(
    "after",
    "\nBackends are looked for among the dependencies of the package around the working directory.\n" +
      "Environment: LIBOS names the backend to use, DEMI_CONFIG the configuration file.",
  );

program
  .command("doctor")
  .description("check what this machine has and what is missing; exits with 1 if something fails")
  .option("--libos <name>", "examine this backend only")
  .option("--config <file>", "check this configuration file too (default: DEMI_CONFIG)")
  .option("--json", "print JSON")
  .action(async (options: { libos?: string; config?: string; json?: true }) => {
    const report = await examine({ libos: options.libos, config: options.config });
    console.log(options.json ? json(report) : renderDoctor(report));
    process.exitCode = report.healthy ? 0 : 1;
  });

program
  .command("info")
  .description("list the backends found, their versions, engines, features and limits")
  .option("--config <file>", "open them with this configuration file (default: DEMI_CONFIG)")
  .option("--json", "print JSON")
  .action(async (options: { config?: string; json?: true }) => {
    console.log(renderInfo(await collect({ config: options.config }), options.json === true));
  });

try {
  await program.parseAsync();
} catch (error) {
  console.error(`demikernel: ${messageOf(error)}`);
  process.exitCode = 1;
}
