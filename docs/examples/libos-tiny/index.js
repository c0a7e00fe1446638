/** What core loads: this object, the addon it names, and the "demikernel" line of package.json make a backend. */
import { createRequire } from "node:module";
import { defineBackend, loadAddon } from "@demikernel/core/backend";

const manifest = createRequire(import.meta.url)("./package.json");

export default defineBackend({
  name: "tiny",
  version: manifest.version,
  features: { tcp: true, udp: false, ipv6: true, dmtr: false, files: false, sleep: false },
  options: {},
  load: () => loadAddon(import.meta.url, { build: "g++ make cmake" }),
  doctor: () => [{ name: "poll(2)", status: "ok", message: "part of every Linux kernel" }],
  limits: () => ({ "bytes per pop": 4096 }),
});
