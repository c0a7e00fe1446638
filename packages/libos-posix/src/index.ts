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
import { optionSchemas } from "./options.js";

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
