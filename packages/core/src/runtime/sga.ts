import { DemiError } from "../errors.js";
import type { Sga, SgaCalls, SocketAddress } from "../types.js";
import type { Arena } from "./arena.js";
import type { Runtime } from "./runtime.js";

/** What an application sees of the arena: `os.sga`, made once. */
export class SgaAccess implements SgaCalls {
  readonly #runtime: Runtime;
  readonly #arena: Arena;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
    this.#arena = runtime.arena;
  }

  from(data: Uint8Array | string): Sga {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    if (!ArrayBuffer.isView(bytes)) throw new DemiError("EINVAL", "from", "the data is no string and no Uint8Array");
    const sga = this.#runtime.alloc(bytes.length);
    this.#arena.bytes(sga, 0).set(bytes);
    return sga;
  }
  copy(sga: Sga): Buffer {
    const segments = Array.from({ length: this.#arena.segments(sga) }, (_, i) => this.#arena.bytes(sga, i));
    return Buffer.concat(segments);
  }
  length(sga: Sga): number {
    return this.#arena.length(sga);
  }
  segments(sga: Sga): number {
    return this.#arena.segments(sga);
  }
  segmentLength(sga: Sga, segment = 0): number {
    return this.#arena.segmentLength(sga, segment);
  }
  bytes(sga: Sga, segment = 0): Uint8Array {
    return this.#arena.bytes(sga, segment);
  }
  view(sga: Sga, segment = 0): Uint8Array {
    return this.#arena.view(sga, segment);
  }
  offset(sga: Sga, segment = 0): number {
    return this.#arena.offset(sga, segment);
  }
  trim(sga: Sga, offset: number, length: number, segment = 0): void {
    this.#arena.trim(sga, offset, length, segment);
  }
  address(sga: Sga): SocketAddress | undefined {
    return this.#arena.address(sga);
  }
}
