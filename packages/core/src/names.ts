/**
 * The names of what a libOS hands out. All are small integers at run time and nothing else; the brands exist for the compiler alone, so
 * that a queue is not freed and memory is not popped.
 */
import type { Completion } from "./completion.js";

declare const brand: unique symbol;

/** Names a queue: in-memory, socket, file or derived. Positive; carries a generation, so a closed one is recognised. */
export type QueueDescriptor = number & { readonly [brand]: "queue" };

/**
 * Names one outstanding operation, which ends with a `C`. Positive; carries a generation, so a finished one is recognised. 0 stands for
 * none: a push with PushFlag.QUIET has no token.
 */
export type QueueToken<C extends Completion = Completion> = number & { readonly [brand]: { readonly token: C } };

/** Names a scatter-gather array: 1 to 16 segments of arena memory. Positive; 0 stands for none. */
export type Sga = number & { readonly [brand]: "sga" };
