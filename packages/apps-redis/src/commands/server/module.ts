/** MODULE: there are none, and none can be loaded. */
import type { Call } from "../../server/call.js";
import type { CommandSpec } from "../command.js";
import { help } from "../help.js";

const list = ({ reply }: Call): void => reply.array(0);

/** As Redis answers where a file is no module that it can run. */
function load({ args, reply, server }: Call): void {
  server.log(`the module ${args.text(2)} cannot be loaded: this server runs none`);
  reply.error("ERR Error loading the extension. Please check the server logs.");
}

const unload = ({ reply }: Call): void => reply.error("ERR Error unloading module: no such module with that name");

export const moduleCommand: CommandSpec = {
  name: "module",
  arity: -2,
  flags: "",
  categories: "",
  group: "server",
  since: "4.0.0",
  complexity: "Depends on subcommand.",
  summary: "Modules, of which there are none.",
  subcommands: [
    {
      name: "help",
      arity: 2,
      flags: "loading stale",
      categories: "",
      group: "server",
      since: "5.0.0",
      complexity: "O(1)",
      summary: "What subcommands there are.",
      handler: help(
        "LIST",
        "    Modules that are loaded.",
        "LOAD <path> [<arg> ...]",
        "    Loads one.",
        "LOADEX <path> [[CONFIG NAME VALUE] [CONFIG NAME VALUE]] [ARGS ...]",
        "    Loads one with parameters.",
        "UNLOAD <name>",
        "    Unloads one.",
      ),
    },
    {
      name: "list",
      arity: 2,
      flags: "admin noscript",
      categories: "",
      group: "server",
      since: "4.0.0",
      complexity: "O(N) where N is the number of loaded modules.",
      summary: "Modules that are loaded.",
      hints: "nondeterministic_output_order",
      handler: list,
    },
    {
      name: "load",
      arity: -3,
      flags: "admin noscript no_async_loading",
      categories: "",
      group: "server",
      since: "4.0.0",
      complexity: "O(1)",
      summary: "Loads a module.",
      handler: load,
    },
    {
      name: "loadex",
      arity: -3,
      flags: "admin noscript no_async_loading",
      categories: "",
      group: "server",
      since: "7.0.0",
      complexity: "O(1)",
      summary: "Loads a module with parameters.",
      handler: load,
    },
    {
      name: "unload",
      arity: 3,
      flags: "admin noscript no_async_loading",
      categories: "",
      group: "server",
      since: "4.0.0",
      complexity: "O(1)",
      summary: "Unloads a module.",
      handler: unload,
    },
  ],
};
