import { loadAddon as load, type NativeAddon } from "@demikernel/core/backend";
import { whyNot } from "@demikernel/core/doctor";
import { packages } from "./packages.js";

/** Loads the native addon; throws an Error whose message says what to install where none fits. */
export function loadAddon(): NativeAddon {
  return load(import.meta.url, packages);
}

/** Why the addon cannot make a ring here; undefined when it can. Makes one to find out. */
export function whyNoRing(): string | undefined {
  const limits = { ringEntries: 64, tokens: 64, queues: 16, classes: [{ size: 4096, count: 16 }] };
  const engine = { name: "posix", options: { engine: "io_uring" } };
  return whyNot(() => loadAddon().open(limits, engine).destroy());
}
