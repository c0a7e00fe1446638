/** Core's own options: their types, defaults, and the JSON Schema they are checked against. */
import type { LoopMode } from "./types.js";

/** One size class of the arena: `count` slots of `size` bytes. */
export interface SizeClass {
  readonly size: number;
  readonly count: number;
}

/** Options every backend takes: limits and policies, none of which changes what a call means. Ranges and defaults: {@link coreProperties}. */
export interface CoreOptions {
  /** How the libOS shares the thread with Node's loop. */
  readonly loop: LoopMode;
  /** adaptive: how long to poll after the last completion before sleeping, in microseconds. */
  readonly spinMicroseconds: number;
  /** Entries of the submission ring and of the completion ring. */
  readonly ringEntries: number;
  /** Most outstanding operations. */
  readonly tokens: number;
  /** Most open queues. */
  readonly queues: number;
  /** Remembers where every sga was allocated or popped, and says who forgot to free. Slow. */
  readonly traceMemory: boolean;
  /** The arena's size classes, ascending. */
  readonly arena: readonly SizeClass[];
}

/** A slot handle has 18 bits of index (native/include/demi/layout.hpp). */
export const MAX_SLOTS = 262144;
export const MAX_ARENA_BYTES = 4 * 1024 ** 3;
const MAX_SLOT_BYTES = 16 * 1024 ** 2;

function powersOfTwo(from: number, to: number): number[] {
  return from > to ? [] : [from, ...powersOfTwo(from * 2, to)];
}

/** JSON Schema (draft 2020-12) of each core option. */
export const coreProperties: Readonly<Record<keyof CoreOptions, object>> = {
  loop: {
    type: "string",
    enum: ["adaptive", "poll", "interrupt"],
    default: "adaptive",
    description: "How `run()` shares the thread with Node's loop.",
  },
  spinMicroseconds: {
    type: "integer",
    minimum: 0,
    maximum: 1000,
    default: 50,
    description: "`adaptive`: how long to wait in the device for more before sleeping in Node's loop.",
  },
  ringEntries: {
    type: "integer",
    enum: powersOfTwo(64, 65536),
    default: 4096,
    description: "Entries of each ring; a full ring costs an extra native call, no more.",
  },
  tokens: {
    type: "integer",
    minimum: 64,
    maximum: 131072,
    default: 32768,
    description: "Most outstanding operations; more throw `EAGAIN`.",
  },
  queues: {
    type: "integer",
    minimum: 16,
    maximum: 65535,
    default: 16384,
    description: "Most open queues; more throw `EMFILE`.",
  },
  traceMemory: {
    type: "boolean",
    default: false,
    description:
      "Says where memory was forgotten: in the error of an `alloc` that finds none, in a warning when 7/8 of a size are the application's, " +
      "and in one at `destroy`. A stack trace with every alloc and pop: for looking, not for production.",
  },
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
    default: [
      { size: 256, count: 8192 },
      { size: 4096, count: 8192 },
      { size: 65536, count: 256 },
      { size: 1048576, count: 16 },
    ],
    description: `The slots that sgas are made of, each size once; all together at most ${MAX_SLOTS} slots and 4 GiB.`,
  },
};

export const coreDefaults = Object.fromEntries(
  Object.entries(coreProperties).map(([name, schema]) => [name, (schema as { default: unknown }).default]),
) as unknown as CoreOptions;

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
