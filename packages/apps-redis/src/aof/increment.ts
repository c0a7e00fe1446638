/** A file of commands behind the base. */
import type { QueueDescriptor } from "@demikernel/core";
import type { AofFile } from "./manifest.js";

export interface Increment {
  readonly file: AofFile;
  /** Bytes that were written and are whole: nothing counts behind what was not written. */
  readonly size: number;
  /** Nothing is on its way. */
  readonly isIdle: boolean;
  owns(qd: QueueDescriptor): boolean;
  /** See AofStore. */
  append(bytes: Uint8Array, at: number, length: number): number;
  ended(qd: QueueDescriptor, result: number): number;
  /** Only while idle: what is behind {@link size} is cut off. Throws a DemiError. */
  cutBack(): void;
  /** Nothing more is written to it. */
  close(): void;
}
