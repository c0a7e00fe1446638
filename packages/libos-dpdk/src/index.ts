/**
 * The DPDK backend: TCP and UDP in the process, over Ethernet frames that DPDK moves between memory and a device.
 *
 * @packageDocumentation
 */
import { createRequire } from "node:module";
import { type Backend, defineBackend } from "@demikernel/core/backend";
import { machineAt } from "@demikernel/core/doctor";
import { loadAddon, whyNoAddon } from "./addon.js";
import { doctor } from "./doctor.js";
import { limits } from "./limits.js";
import { optionSchemas } from "./options.js";

const manifest = createRequire(import.meta.url)("../package.json") as { version: string };

const dpdk: Backend = defineBackend({
  name: "dpdk",
  version: manifest.version,
  features: { tcp: true, udp: true, ipv6: true, dmtr: true, files: false, sleep: false, several: false },
  options: optionSchemas,
  load: loadAddon,
  doctor: () => doctor(machineAt(), whyNoAddon),
  limits,
});
export default dpdk;
