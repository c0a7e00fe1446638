/** What a backend package's default export is. A backend is this object, a native addon, and a line in package.json. */
import type { NativeAddon } from "./native.js";

/** What a backend can do: drives the conformance suite and `demikernel info`. */
export interface Features {
  tcp: boolean;
  udp: boolean;
  ipv6: boolean;
  /** socket(..., {framing: "dmtr"}). */
  dmtr: boolean;
  /** open, creat, unlink, lseek, truncate. */
  files: boolean;
  /** What open() gives are logs of records, not files of bytes: a push appends one record, a pop hands over one. Default false. */
  logs?: boolean;
  /** A loop can sleep until the device has work (else "interrupt" polls). */
  sleep: boolean;
  /** Several libOSes can be open in one process, also on several threads; a device that cannot share answers EBUSY. Default true. */
  several?: boolean;
}

/** One finding of `demikernel doctor`. */
export interface Check {
  name: string;
  /** "ok"; "warn": something works less well or not at all without it; "fail": the backend cannot run. */
  status: "ok" | "warn" | "fail";
  /** What was found, in a sentence. */
  message: string;
  /** The exact line that fixes it. */
  fix?: string;
}

export interface Backend {
  /** As in package.json: "demikernel": {"libos": "<name>"}, {"storage": "<name>"}, or both. */
  readonly name: string;
  readonly version: string;
  readonly features: Features;
  /**
   * The backend's own options: the YAML section, and what openLibOS() takes beside core's options. Of each its JSON Schema (2020-12), with
   * the keywords about one value: types, enum, limits, lengths, items, properties; none that combine or refer to schemas.
   */
  readonly options: Record<string, object>;
  /** Loads the native addon, with {@link loadAddon}. Throws an Error whose message says what to install. */
  load(): NativeAddon;
  /** What this machine has for the backend, and what is missing. `@demikernel/core/doctor` has the checks that several backends make. */
  doctor(): Check[] | Promise<Check[]>;
  /** Numbers a user may run into, by name, for `demikernel info`; those that options set with {@link optionLimit}. */
  limits(): Record<string, string | number>;
}

export function defineBackend(backend: Backend): Backend {
  return backend;
}

export { type AddonPackages, loadAddon } from "./addon.js";
export { optionLimit, optionTable } from "./config/option-table.js";
export type { NativeAddon, NativeEngine, NativeLibOS, NativeLimits, NativeStorage } from "./native.js";
