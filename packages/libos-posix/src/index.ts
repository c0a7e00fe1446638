/// <reference types="@demikernel/core" preserve="true" />
/**
 * The posix backend: kernel TCP, UDP and files behind the queue API, on io_uring or epoll.
 *
 * @packageDocumentation
 */
import { createRequire } from "node:module";
import { type Backend, defineBackend } from "@demikernel/core/backend";
import { machineAt } from "@demikernel/core/doctor";
import { loadAddon, whyNoRing } from "./addon.js";
import { doctor } from "./doctor.js";
import { limits } from "./limits.js";
import { optionSchemas, type PosixOptions } from "./options.js";

export type { PosixOptions };

// The reference at the top brings core into every program that sees this file: without it there is nothing to add to.
declare module "@demikernel/core" {
  interface NetworkBackends {
    posix: PosixOptions;
  }
}

const manifest = createRequire(import.meta.url)("../package.json") as { version: string };

const posix: Backend = defineBackend({
  name: "posix",
  version: manifest.version,
  features: { tcp: true, udp: true, ipv6: true, dmtr: true, files: true, sleep: true },
  options: optionSchemas,
  load: loadAddon,
  doctor: () => doctor(machineAt(), whyNoRing),
  limits,
});
export default posix;
