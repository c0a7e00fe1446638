/** Core's own options: their types, defaults, and the JSON Schema they are checked against. */
import type { LoopMode } from "./types.js";

/** One size class of the arena: `count` slots of `size` bytes. */
export interface SizeClass {
  readonly size: number;
  readonly count: number;
}

/** Options every backend takes. All have defaults, and all are limits or policies: none changes what a call means. */
export interface CoreOptions {
  /** How the libOS shares the thread with Node's loop. Default "adaptive". */
  readonly loop: LoopMode;
  /** adaptive: how long to poll after the last completion before sleeping, in microseconds. 0 to 1000, default 50. */
  readonly spinMicroseconds: number;
  /** Entries of the submission ring and of the completion ring: a power of two, 64 to 65536, default 4096. */
  readonly ringEntries: number;
  /** Most outstanding operations. 64 to 131072, default 32768. */
  readonly tokens: number;
  /** Most open queues. 16 to 65535, default 16384. */
  readonly queues: number;
  /** Remembers where every sga was allocated or popped, and says who forgot to free. Slow. Default false. */
  readonly traceMemory: boolean;
  /** The arena's size classes, ascending: at most 8, 262144 slots and 4 GiB in total. */
  readonly arena: readonly SizeClass[];
}

export const coreDefaults: CoreOptions = {
  loop: "adaptive",
  spinMicroseconds: 50,
  ringEntries: 4096,
  tokens: 32768,
  queues: 16384,
  traceMemory: false,
  arena: [
    { size: 256, count: 8192 },
    { size: 4096, count: 8192 },
    { size: 65536, count: 256 },
    { size: 1048576, count: 16 },
  ],
};

/** A slot handle has 18 bits of index (native/include/demi/layout.hpp). */
export const MAX_SLOTS = 262144;
export const MAX_ARENA_BYTES = 4 * 1024 ** 3;
const MAX_SLOT_BYTES = 16 * 1024 ** 2;

function powersOfTwo(from: number, to: number): number[] {
  return from > to ? [] : [from, ...powersOfTwo(from * 2, to)];
}

/** JSON Schema (draft 2020-12) of each core option. */
export const coreProperties: Readonly<Record<keyof CoreOptions, object>> = {
  loop: { type: "string", enum: ["adaptive", "poll", "interrupt"] },
  spinMicroseconds: { type: "integer", minimum: 0, maximum: 1000 },
  ringEntries: { type: "integer", enum: powersOfTwo(64, 65536) },
  tokens: { type: "integer", minimum: 64, maximum: 131072 },
  queues: { type: "integer", minimum: 16, maximum: 65535 },
  traceMemory: { type: "boolean" },
  arena: {
    type: "array",
    minItems: 1,
    maxItems: 8,
    items: {
      type: "object",
      properties: {
        size: { type: "integer", minimum: 64, maximum: MAX_SLOT_BYTES, multipleOf: 64 },
        count: { type: "integer", minimum: 1, maximum: MAX_SLOTS },
      },
      required: ["size", "count"],
      additionalProperties: false,
    },
  },
};

/** What the schema cannot say of an arena that passed it: one sentence, or undefined when all is well. */
export function arenaProblem(arena: readonly SizeClass[]): string | undefined {
  const sizes = new Set(arena.map((c) => c.size));
  if (sizes.size !== arena.length) return "must not name a size twice";
  const slots = arena.reduce((sum, c) => sum + c.count, 0);
  if (slots > MAX_SLOTS) return `must not have more than ${MAX_SLOTS} slots in total; got ${slots}`;
  const bytes = arenaBytes(arena);
  if (bytes > MAX_ARENA_BYTES) return `must not be larger than 4 GiB (${MAX_ARENA_BYTES} bytes); got ${bytes}`;
  return undefined;
}

export function arenaBytes(arena: readonly SizeClass[]): number {
  return arena.reduce((sum, c) => sum + c.size * c.count, 0);
}
