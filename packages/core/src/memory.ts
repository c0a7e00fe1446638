import { createRequire } from "node:module";
import { type Backend, defineBackend, loadAddon } from "./backend.js";

const manifest = createRequire(import.meta.url)("../package.json") as { version: string };

/** The built-in backend "memory": queues without a device, for tests, for learning, and for wiring combinators together. */
const memory: Backend = defineBackend({
  name: "memory",
  version: manifest.version,
  features: { tcp: false, udp: false, ipv6: false, dmtr: false, files: false, sleep: false },
  options: {},
  load: () => loadAddon(import.meta.url, { build: "g++ make cmake" }),
  doctor: () => [{ name: "device", status: "ok", message: "none needed" }],
  limits: () => ({}),
});
export default memory;
