import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { NativeAddon } from "@demikernel/core/backend";

const require = createRequire(import.meta.url);
const packageDir = fileURLToPath(new URL("..", import.meta.url));

/** Loads the native addon; throws an Error whose message says what to install where none fits. */
export function loadAddon(): NativeAddon {
  try {
    return require("node-gyp-build")(packageDir) as NativeAddon;
  } catch (error) {
    throw new Error(
      `the native part of @demikernel/libos-posix cannot be loaded on ${process.platform}-${process.arch}; ` +
        "where no prebuilt one fits, install a C++20 compiler, cmake and liburing-dev and run `npx cmake-js compile` " +
        "in a checkout of the package",
      { cause: error },
    );
  }
}

/** Why the addon cannot make a ring here; undefined when it can. Makes one to find out. */
export function whyNoRing(): string | undefined {
  const limits = { ringEntries: 64, tokens: 64, queues: 16, classes: [{ size: 4096, count: 16 }] };
  try {
    loadAddon()
      .open(limits, { name: "posix", options: { engine: "io_uring" } })
      .destroy();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
