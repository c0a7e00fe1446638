/// <reference types="@demikernel/core" preserve="true" />
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
import { type DpdkOptions, optionSchemas } from "./options.js";

export type { DpdkOptions };

// The reference at the top brings core into every program that sees this file: without it there is nothing to add to.
declare module "@demikernel/core" {
  interface NetworkBackends {
    dpdk: DpdkOptions;
  }
}

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
