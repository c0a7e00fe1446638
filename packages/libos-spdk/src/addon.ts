import { loadAddon as load, type NativeAddon } from "@demikernel/core/backend";
import { packages } from "./packages.js";

/** Loads the native addon; throws an Error whose message says what to install where none fits. */
export function loadAddon(): NativeAddon {
  return load(import.meta.url, packages);
}
