import { loadAddon as load, type NativeAddon } from "@demikernel/core/backend";
import { whyNot } from "@demikernel/core/doctor";
import { nativeConfig } from "./options.js";
import { packages } from "./packages.js";

/** Loads the native addon; throws an Error whose message says what to install where it cannot be loaded. */
export function loadAddon(): NativeAddon {
  const addon = load(import.meta.url, packages);
  return {
    open: (limits, { name, options }, storage) => addon.open(limits, { name, options: nativeConfig(options) }, storage),
  };
}

/** Why the addon cannot be loaded; undefined when it can. */
export function whyNoAddon(): string | undefined {
  return whyNot(loadAddon);
}
