import { createRequire } from "node:module";
import { defineBackend } from "@demikernel/core/backend";

const require = createRequire(import.meta.url);
/** An addon of this folder by its name: there are two, and whoever asks says which. */
export const addon = (name) => require(`./prebuilds/${process.platform}-${process.arch}/${name}.node`);

/** The storage engine "scratch": byte files below a folder. For tests of two engines in one libOS. */
export default defineBackend({
  name: "scratch",
  version: require("./package.json").version,
  features: { tcp: false, udp: false, ipv6: false, dmtr: false, files: true, sleep: true },
  options: { folder: { type: "string", minLength: 1, default: "." } },
  load: () => addon("demi_scratch"),
  doctor: () => [],
  limits: () => ({}),
});
