/// <reference types="@demikernel/core" preserve="true" />
/**
 * The RDMA backend: queues of messages on reliable connections, two-sided, over libfabric. On an RDMA device (provider verbs), or,
 * without a device, over the kernel's TCP (provider tcp).
 *
 * @packageDocumentation
 */
import { createRequire } from "node:module";
import { type Backend, defineBackend } from "@demikernel/core/backend";
import { machineAt } from "@demikernel/core/doctor";
import { loadAddon, whyNoAddon, whyNoProvider } from "./addon.js";
import { doctor } from "./doctor.js";
import { limits } from "./limits.js";
import { optionSchemas, type RdmaOptions } from "./options.js";

export type { RdmaOptions };

// The reference at the top brings core into every program that sees this file: without it there is nothing to add to.
declare module "@demikernel/core" {
  interface NetworkBackends {
    rdma: RdmaOptions;
  }
}

const manifest = createRequire(import.meta.url)("../package.json") as { version: string };

const rdma: Backend = defineBackend({
  name: "rdma",
  version: manifest.version,
  // Datagrams are there over shm, which is never chosen by itself.
  features: { tcp: true, udp: false, ipv6: true, dmtr: false, files: false, sleep: true, several: true },
  options: optionSchemas,
  load: loadAddon,
  doctor: () => doctor(machineAt(), { whyNoAddon, whyNoProvider }),
  limits,
});
export default rdma;
