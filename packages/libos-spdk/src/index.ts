/// <reference types="@demikernel/core" preserve="true" />
/**
 * The storage backend: logs of records on a file or a block device, alone or beside any network.
 *
 * @packageDocumentation
 */
import { createRequire } from "node:module";
import { type Backend, defineBackend } from "@demikernel/core/backend";
import { machineAt } from "@demikernel/core/doctor";
import { loadAddon } from "./addon.js";
import { doctor } from "./doctor.js";
import { limits } from "./limits.js";
import { optionSchemas, type SpdkOptions } from "./options.js";

export type { SpdkOptions };

// The reference at the top brings core into every program that sees this file: without it there is nothing to add to.
declare module "@demikernel/core" {
  interface NetworkBackends {
    spdk: SpdkOptions;
  }
  interface StorageBackends {
    spdk: SpdkOptions;
  }
}

const manifest = createRequire(import.meta.url)("../package.json") as { version: string };

const spdk: Backend = defineBackend({
  name: "spdk",
  version: manifest.version,
  features: { tcp: false, udp: false, ipv6: false, dmtr: false, files: true, logs: true, sleep: true, several: false },
  options: optionSchemas,
  load: loadAddon,
  doctor: () => doctor(machineAt()),
  limits,
});
export default spdk;
