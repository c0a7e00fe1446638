/** The commands of demi-log. */
import { createRequire } from "node:module";
import { Command } from "commander";
import { registerBench } from "./bench.js";
import { registerBind } from "./bind.js";
import { registerCat } from "./cat.js";
import { registerFormat } from "./format.js";
import { registerLs, registerStat } from "./stat.js";
import { registerVerify } from "./verify.js";

const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };

export function demiLog(): Command {
  const program = new Command("demi-log")
    .description(
      "Looks after devices of logs: files, block devices and NVMe controllers that @demikernel/libos-spdk uses.",
    )
    .version(version)
    .showHelpAfterError("(see demi-log --help, or demi-log help COMMAND)")
    .addHelpText(
      "after",
      "\nA device is what the option `device` of the libOS names; a path by itself is taken as file:PATH.\n" +
        "Exit codes: 0 done, 1 failed; see each command for its own",
    );
  registerFormat(program);
  registerLs(program);
  registerStat(program);
  registerCat(program);
  registerVerify(program);
  registerBench(program);
  registerBind(program);
  return program;
}
