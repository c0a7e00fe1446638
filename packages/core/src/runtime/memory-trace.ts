import { dirname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { DemiError } from "../errors.js";
import { Layout } from "../layout.js";
import type { NativeLibOS } from "../native.js";
import {
  type Completion,
  type CompletionHandler,
  type CompletionOf,
  Opcode,
  type PopCompletion,
  type QueueDescriptor,
  type QueueToken,
  type Sga,
} from "../types.js";
import { Runtime } from "./runtime.js";
import { type CompletionCallback, sgaOf } from "./tag.js";

const TOKEN_MASK = (1 << Layout.TOKEN_INDEX_BITS) - 1;
const SLOT_MASK = (1 << Layout.SLOT_INDEX_BITS) - 1;
/** Everything below: frames that are not the application's. */
const CORE = dirname(dirname(fileURLToPath(import.meta.url)));
const FRAMES = 24;
/** Places that a report names; the rest is counted. */
const MOST_PLACES = 10;
const LOOK_MILLISECONDS = 1000;
/** So much of a size class is said once. */
const CROWDED = 7 / 8;

interface Origin {
  /** The sga or token it is of: slots and token indices are used again. */
  handle: number;
  /** "pop at file:///app/server.mjs:12:20". */
  place: string;
}

/**
 * A runtime that knows where each sga of the application's came from, and says so where memory was forgotten: in the error of an alloc
 * that finds none, when little of a size class is left, and when the libOS is destroyed. It takes a stack
 * trace with every alloc and pop, so it is for looking, not for production.
 */
export class TracedRuntime extends Runtime {
  readonly #slots: (Origin | undefined)[] = [];
  readonly #pops: (Origin | undefined)[] = [];
  readonly #warned = new Set<number>();
  readonly #timer: NodeJS.Timeout;

  constructor(name: string, native: NativeLibOS) {
    super(name, native);
    this.#timer = setInterval(() => this.#look(), LOOK_MILLISECONDS).unref();
  }

  override alloc(size: number | readonly number[]): Sga {
    try {
      const sga = super.alloc(size);
      this.#slots[sga & SLOT_MASK] = { handle: sga, place: `alloc at ${callSite()}` };
      return sga;
    } catch (error) {
      if (error instanceof DemiError && error.code === "ENOBUFS") {
        throw new DemiError("ENOBUFS", "alloc", `the arena has no free slot that fits. ${this.#held().join("; ")}`);
      }
      throw error;
    }
  }

  override pop(qd: QueueDescriptor, limit: number): QueueToken<PopCompletion> {
    const qt = super.pop(qd, limit);
    this.#pops[qt & TOKEN_MASK] = { handle: qt, place: `pop at ${callSite()}` };
    return qt;
  }

  override dispatch(handler: CompletionHandler | undefined): number {
    if (handler === undefined) return super.dispatch(undefined);
    return super.dispatch((event) => {
      if (event.opcode === Opcode.POP) this.#popped(event.qt, event.sga);
      handler(event);
    });
  }

  override pick<T extends QueueToken>(qt: T): CompletionOf<T> {
    const done: Completion = super.pick(qt);
    if (done.opcode === Opcode.POP) this.#popped(qt, done.sga);
    return done as CompletionOf<T>;
  }

  override pickAlone(): undefined {
    return undefined;
  }

  override attach(qt: QueueToken, callback: CompletionCallback): void {
    super.attach(qt, (result, value, tag) => {
      this.#popped(qt, sgaOf(tag, value));
      callback(result, value, tag);
    });
  }

  override destroy(): void {
    if (this.closed) return;
    clearInterval(this.#timer);
    const held = this.#held();
    super.destroy();
    if (held.length > 1) warn([`${this.name}: destroyed with memory that was never freed`, ...held].join("\n  "));
  }

  #popped(qt: QueueToken, sga: Sga): void {
    if (sga === 0) return;
    const origin = this.#pops[qt & TOKEN_MASK];
    const place = origin?.handle === qt ? origin.place : "pop";
    this.#slots[sga & SLOT_MASK] = { handle: sga, place };
  }

  /** A sentence, and behind it the places that hold the most, if any. */
  #held(): string[] {
    const counts = new Map<string, number>();
    let sgas = 0;
    for (const sga of this.arena.held()) {
      const origin = this.#slots[sga & SLOT_MASK];
      const place = origin?.handle === sga ? origin.place : "somewhere";
      counts.set(place, (counts.get(place) ?? 0) + 1);
      sgas++;
    }
    const places = [...counts].sort(([, a], [, b]) => b - a);
    const lines = places.slice(0, MOST_PLACES).map(([place, count]) => `${count} x ${place}`);
    if (places.length > MOST_PLACES) lines.push(`${places.length - MOST_PLACES} more places`);
    return [`The application holds ${sgas} sgas`, ...lines];
  }

  #look(): void {
    if (this.closed) return;
    for (const { size, slots, owned } of this.arena.use()) {
      if (owned < slots * CROWDED || this.#warned.has(size)) continue;
      this.#warned.add(size);
      const what = `${this.name}: ${owned} of ${slots} slots of ${size} bytes are the application's; without a free one pops wait`;
      warn([what, ...this.#held()].join("\n  "));
    }
  }
}

function warn(text: string): void {
  process.emitWarning(text, { type: "DemiMemory", code: "DEMI_MEMORY_HELD" });
}

/** Where the application called: the first frame that is not core's. */
function callSite(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  const trace: { stack?: string } = {};
  Error.captureStackTrace(trace, callSite);
  Error.stackTraceLimit = limit;
  const frames = (trace.stack ?? "").split("\n").slice(1);
  const url = pathToFileURL(CORE).href;
  const frame = frames.find((line) => /\/.*:\d+:\d+/.test(line) && !line.includes(url) && !line.includes(`${CORE}/`));
  return frame?.trim().replace(/^at /, "") ?? "an unknown place";
}
