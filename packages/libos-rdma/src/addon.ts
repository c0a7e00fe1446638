import { loadAddon as load, type NativeAddon } from "@demikernel/core/backend";
import { whyNot } from "@demikernel/core/doctor";
import { nativeConfig } from "./options.js";
import { packages } from "./packages.js";

export type Provider = "verbs" | "tcp" | "shm";

/** Loads the native addon; throws an Error whose message says what to install where it cannot be loaded. */
export function loadAddon(): NativeAddon {
  const addon = load(import.meta.url, packages);
  return {
    open: (limits, { name, options }, storage) => {
      const largest = Math.max(...limits.classes.map(({ size }) => size));
      return addon.open(limits, { name, options: nativeConfig(options, largest) }, storage);
    },
  };
}

/** Why the addon cannot be loaded; undefined when it can. */
export function whyNoAddon(): string | undefined {
  return whyNot(loadAddon);
}

/** Why a libOS does not open over a provider; undefined when it does. Opens a small one to find out. */
export function whyNoProvider(provider: Provider): string | undefined {
  const limits = { ringEntries: 64, tokens: 64, queues: 16, classes: [{ size: 4096, count: 16 }] };
  const engine = { name: "rdma", options: { provider, receives: "64" } };
  return whyNot(() => loadAddon().open(limits, engine).destroy());
}
