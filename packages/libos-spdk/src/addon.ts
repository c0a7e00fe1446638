import { loadAddon as load, type NativeAddon } from "@demikernel/core/backend";
import { packages } from "./packages.js";

/** A log as it stands in the directory of its device. Positions are bytes since the log was made. */
export interface LogEntry {
  name: string;
  /** What is before it was given back by truncate(). */
  start: number;
  end: number;
  /** Of the device, that it takes. */
  segments: number;
}

/** What is on a device of logs: native/inspection.hpp. */
export interface Inspection {
  /** What reads and writes it: "io_uring". */
  engine: string;
  /** 16 hexadecimal digits, given at random when it was formatted. */
  identity: string;
  /** Of the format. */
  version: number;
  /** Counts the openings. */
  epoch: number;
  bytes: number;
  blockBytes: number;
  segmentBytes: number;
  segments: number;
  freeSegments: number;
  /** Logs that it can have. */
  directorySlots: number;
  /** What opening it read behind the ends that it knew, and where that was damaged. */
  recoveredBatches: number;
  damagedPlaces: number;
  logs: LogEntry[];
}

/** What the addon has beside a backend's interface. Rejects with an Error that has a negative `errno`. */
export interface SpdkAddon extends NativeAddon {
  format(device: string, logs: number, force: boolean): Promise<Inspection>;
  inspect(device: string): Promise<Inspection>;
}

/** Loads the native addon; throws an Error whose message says what to install where none fits. */
export function loadAddon(): SpdkAddon {
  return load(import.meta.url, packages) as SpdkAddon;
}
