import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { NativeAddon } from "@demikernel/core/backend";
import type { Provider } from "./machine.js";
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
    throw new Error(explain(messageOf(error)), { cause: error });
  }
  return {
    open: (limits, { name, options }, storage) => {
      const largest = Math.max(...limits.classes.map(({ size }) => size));
      return addon.open(limits, { name, options: nativeConfig(options, largest) }, storage);
    },
  };
}

/** What to do about what node-gyp-build, or the dynamic linker beneath it, said. */
export function explain(message: string): string {
  const addon = "the native part of @demikernel/libos-rdma";
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
  return `${addon} cannot be loaded: ${message}; it needs libfabric 1.17 or newer (${RUNTIME_PACKAGES})`;
}

/** Why the addon cannot be loaded; undefined when it can. */
export function whyNoAddon(): string | undefined {
  return attempt(() => void loadAddon());
}

/** Why a libOS does not open over a provider; undefined when it does. Opens a small one to find out. */
export function whyNoProvider(provider: Provider): string | undefined {
  const limits = { ringEntries: 64, tokens: 64, queues: 16, classes: [{ size: 4096, count: 16 }] };
  return attempt(() =>
    loadAddon()
      .open(limits, { name: "rdma", options: { provider, receives: "64" } })
      .destroy(),
  );
}

function attempt(what: () => void): string | undefined {
  try {
    what();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
