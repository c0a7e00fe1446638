/** What core loads: this object, the addon it names, and the "demikernel" line of package.json make a backend. */
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { defineBackend } from "@demikernel/core/backend";

const require = createRequire(import.meta.url);

export default defineBackend({
  name: "tiny",
  version: require("./package.json").version,
  features: { tcp: true, udp: false, ipv6: true, dmtr: false, files: false, sleep: false },
  options: {},
  load: () => require("node-gyp-build")(dirname(fileURLToPath(import.meta.url))),
  doctor: () => [{ name: "poll(2)", status: "ok", found: "part of every Linux kernel" }],
  limits: () => ({ "bytes per pop": 4096 }),
});
