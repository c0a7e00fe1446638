import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { type Backend, defineBackend, type NativeAddon } from "./backend.js";

const require = createRequire(import.meta.url);
const packageDir = fileURLToPath(new URL("..", import.meta.url));
const manifest = require("../package.json") as { version: string };

/** The built-in backend "memory": queues without a device, for tests, for learning, and for wiring combinators together. */
const memory: Backend = defineBackend({
  name: "memory",
  version: manifest.version,
  features: { tcp: false, udp: false, ipv6: false, dmtr: false, files: false, sleep: false },
  options: {},
  load: () => require("node-gyp-build")(packageDir) as NativeAddon,
  doctor: () => [{ name: "device", status: "ok", found: "none needed" }],
  limits: () => ({}),
});
export default memory;
