/** What HELP of a container command answers. */
import type { Call } from "../server/call.js";

/** `lines`: a subcommand's arguments, and below it, indented, what it does. */
export function help(...lines: readonly string[]): (call: Call) => void {
  return ({ reply, command }) => {
    const name = (command.container ?? command).name.toUpperCase();
    const all = [
      `${name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`,
      ...lines,
      "HELP",
      "    Prints this help.",
    ];
    reply.array(all.length);
    for (const line of all) reply.status(line);
  };
}
