/** Whether DEBUG may be used, by enable-debug-command, and what loads modules, by enable-module-command. */
import type { Client } from "../../server/client.js";
import type { Server } from "../../server/server.js";
import type { Command } from "../command.js";

const refused = (name: string): string =>
  `ERR ${name.toUpperCase()} command not allowed. If the enable-${name}-command option is set to "local", you can run it from a ` +
  "local connection, otherwise you need to set this option in the configuration file, and then restart the server.";

export function checkProtected({ config }: Server, client: Client, command: Command): string | undefined {
  const isDebug = command.container === undefined;
  const who = isDebug ? config.enableDebugCommand : config.enableModuleCommand;
  if (who === "yes") return undefined;
  if (who === "local" && /^(?:127\.|\[::1\])/.test(client.address)) return undefined;
  return refused(isDebug ? "debug" : "module");
}
