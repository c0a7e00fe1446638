import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { NativeAddon } from "@demikernel/core/backend";
import { nativeConfig } from "./options.js";
import { BUILD_PACKAGES, RUNTIME_PACKAGES } from "./packages.js";

const require = createRequire(import.meta.url);
const packageDir = fileURLToPath(new URL("..", import.meta.url));

/** Loads the native addon; throws an Error whose message says what to install where it cannot be loaded. */
export function loadAddon(): NativeAddon {
  let addon: NativeAddon;
  try {
    addon = require("node-gyp-build")(packageDir) as NativeAddon;
  } catch (error) {
    throw new Error(explain(error instanceof Error ? error.message : String(error)), { cause: error });
  }
  return {
    open: (limits, { name, options }, storage) => addon.open(limits, { name, options: nativeConfig(options) }, storage),
  };
}

/** What to do about what node-gyp-build, or the dynamic linker beneath it, said. */
export function explain(message: string): string {
  const addon = "the native part of @demikernel/libos-dpdk";
  const library = /(\S+): cannot open shared object file/.exec(message)?.[1];
  if (library) {
    return `${addon} needs ${library}, which is not installed: on Debian 12 run \`apt install ${RUNTIME_PACKAGES}\``;
  }
  if (message.startsWith("No native build was found")) {
    return (
      `${addon} is not built for ${process.platform}-${process.arch}: in a checkout run ` +
      `\`apt install ${BUILD_PACKAGES}\` and \`pnpm build\`; it runs on Debian 12 and needs \`${RUNTIME_PACKAGES}\``
    );
  }
  return `${addon} cannot be loaded: ${message}; it is made for the DPDK and lwIP of Debian 12 (${RUNTIME_PACKAGES})`;
}

/** Why the addon cannot be loaded; undefined when it can. */
export function whyNoAddon(): string | undefined {
  try {
    loadAddon();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
