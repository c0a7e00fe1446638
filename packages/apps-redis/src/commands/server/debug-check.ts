/** Whether DEBUG may be used, by enable-debug-command. */
import type { Client } from "../../server/client.js";
import type { Server } from "../../server/server.js";

const REFUSED =
  'ERR DEBUG command not allowed. If the enable-debug-command option is set to "local", you can run it from a local connection, ' +
  "otherwise you need to set this option in the configuration file, and then restart the server.";

export function checkDebug({ config }: Server, client: Client): string | undefined {
  const { enableDebugCommand } = config;
  if (enableDebugCommand === "yes") return undefined;
  return enableDebugCommand === "local" && /^(?:127\.|\[::1\])/.test(client.address) ? undefined : REFUSED;
}
