/**
 * The posix backend: kernel TCP, UDP and files behind the queue API, on io_uring or epoll.
 *
 * @packageDocumentation
 */
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { type Backend, defineBackend, type NativeAddon } from "@demikernel/core/backend";
import { doctor } from "./doctor.js";
import { limits } from "./limits.js";

const require = createRequire(import.meta.url);
const packageDir = fileURLToPath(new URL("..", import.meta.url));
const manifest = require("../package.json") as { version: string };

const posix: Backend = defineBackend({
  name: "posix",
  version: manifest.version,
  features: { tcp: true, udp: true, ipv6: true, dmtr: true, files: true, sleep: true },
  options: {
    engine: {
      type: "string",
      enum: ["auto", "io_uring", "epoll"],
      default: "auto",
      description: "What moves the bytes. auto: io_uring where this kernel allows it, else epoll.",
    },
  },
  load,
  doctor,
  limits,
});
export default posix;

function load(): NativeAddon {
  try {
    return require("node-gyp-build")(packageDir) as NativeAddon;
  } catch (error) {
    throw new Error(
      `the native part of @demikernel/libos-posix cannot be loaded on ${process.platform}-${process.arch}; ` +
        "where no prebuilt one fits, install a C++20 compiler, cmake and liburing-dev and run `npx cmake-js compile` in the package",
      { cause: error },
    );
  }
}
