import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { defineBackend } from "@demikernel/core/backend";

const require = createRequire(import.meta.url);
const folder = fileURLToPath(new URL(".", import.meta.url));

/** The storage engine "scratch": byte files below a folder. For tests of two engines in one libOS. */
export default defineBackend({
  name: "scratch",
  version: require("./package.json").version,
  features: { tcp: false, udp: false, ipv6: false, dmtr: false, files: true, sleep: true },
  options: { folder: { type: "string", minLength: 1, default: "." } },
  load: () => require("node-gyp-build")(folder),
  doctor: () => [],
  limits: () => ({}),
});
