import { DemiError } from "../errors.js";
import { Layout } from "../layout.js";
import type { NativeLibOS } from "../native.js";
import type { Sga, SocketAddress } from "../types.js";
import { addressBytes, type NumericAddress } from "./address.js";

const INDEX_MASK = (1 << Layout.SLOT_INDEX_BITS) - 1;
/** A slot's words are a power of two. */
const SLOT_SHIFT = Math.log2(Layout.SLOT_WORDS);

/**
 * The application's side of the arena: views made once per slot, and a small magazine of free slots per size class, so that alloc
 * crosses the boundary once in {@link Layout.SCRATCH_WORDS} calls.
 */
export class Arena {
  readonly #native: NativeLibOS;
  readonly #words: Int32Array;
  readonly #slotBase: number;
  readonly #slots: number;
  readonly #scratchBase: number;
  readonly #views: (Uint8Array | undefined)[];
  readonly #classes: { size: number; magazine: Int32Array; count: number }[] = [];

  constructor(native: NativeLibOS, words: Int32Array) {
    this.#native = native;
    this.#words = words;
    this.#slotBase = words[Layout.WORD_SLOT_BASE];
    this.#slots = words[Layout.WORD_SLOTS];
    this.#scratchBase = words[Layout.WORD_SCRATCH_BASE];
    this.#views = new Array(this.#slots).fill(undefined);
    for (let i = 0; i < words[Layout.WORD_CLASSES]; i++) {
      const size = words[Layout.WORD_CLASS_BASE + i * Layout.CLASS_WORDS + Layout.CLASS_SIZE];
      this.#classes.push({ size, magazine: new Int32Array(Layout.SCRATCH_WORDS), count: 0 });
    }
  }

  /** Largest segment, bytes. */
  get largest(): number {
    return this.#classes[this.#classes.length - 1].size;
  }

  /** Slots that sit in the magazines: the native side counts them as the application's. */
  get cached(): number {
    return this.#classes.reduce((sum, c) => sum + c.count, 0);
  }

  /** One segment of `size` bytes; 0 when no class that fits has a free slot. */
  alloc(size: number): Sga | 0 {
    for (let i = 0; i < this.#classes.length; i++) {
      const c = this.#classes[i];
      if (c.size < size) continue;
      if (c.count === 0 && !this.#refill(i)) continue;
      const sga = c.magazine[--c.count] as Sga;
      const at = this.#slotBase + (sga & INDEX_MASK) * Layout.SLOT_WORDS;
      this.#words[at + Layout.SLOT_HANDLE] = sga;
      this.#words[at + Layout.SLOT_OFFSET] = 0;
      this.#words[at + Layout.SLOT_LENGTH] = size;
      return sga;
    }
    return 0;
  }

  #refill(i: number): boolean {
    const c = this.#classes[i];
    const got = this.#native.refill(i, Layout.SCRATCH_WORDS);
    for (let n = 0; n < got; n++) {
      const sga = this.#words[this.#scratchBase + n];
      c.magazine[n] = sga;
      // Not handed out yet: until then the handle, should somebody guess it, names nothing.
      this.#words[this.#slotBase + (sga & INDEX_MASK) * Layout.SLOT_WORDS + Layout.SLOT_HANDLE] = 0;
    }
    c.count = got;
    return got > 0;
  }

  /** Word index of the descriptor of a segment; throws EINVAL when the application does not own the sga. */
  at(sga: Sga, segment: number, syscall: string): number {
    const index = sga & INDEX_MASK;
    const at = this.#slotBase + index * Layout.SLOT_WORDS;
    if (!(sga > 0) || index >= this.#slots || this.#words[at + Layout.SLOT_HANDLE] !== sga) this.#refuse(sga, syscall);
    return segment === 0 ? at : this.#later(at, sga, segment, syscall);
  }

  /** Apart from at(), to keep that short. */
  #refuse(sga: Sga, syscall: string): never {
    // The words read zero once the libOS is gone.
    if (this.#words[Layout.WORD_MAGIC] !== Layout.MAGIC) {
      throw new DemiError("EBADF", syscall, "this libOS was destroyed");
    }
    throw new DemiError("EINVAL", syscall, `sga ${sga} is not the application's: freed, pushed away, or never was`);
  }

  #later(first: number, sga: Sga, segment: number, syscall: string): number {
    let at = first;
    // What is no number of a segment is walked past the end.
    for (let n = Number.isInteger(segment) && segment > 0 ? segment : Layout.MAX_SEGMENTS; n > 0; n--) {
      const index = this.#words[at + Layout.SLOT_NEXT] - 1;
      if (index < 0) throw new DemiError("EINVAL", syscall, `sga ${sga} has no segment ${segment}`);
      at = this.#slotBase + index * Layout.SLOT_WORDS;
    }
    return at;
  }

  owns(sga: Sga): boolean {
    const index = sga & INDEX_MASK;
    return sga > 0 && index < this.#slots && this.#words[this.#slotBase + index * Layout.SLOT_WORDS] === sga;
  }

  /** The sgas that the application owns. */
  *held(): IterableIterator<Sga> {
    for (let index = 0; index < this.#slots; index++) {
      const sga = this.#words[this.#slotBase + index * Layout.SLOT_WORDS + Layout.SLOT_HANDLE];
      if (sga !== 0) yield sga as Sga;
    }
  }

  /** How much of each size class the application owns, chains and magazines included. */
  use(): { size: number; slots: number; owned: number }[] {
    const owned = this.#classes.map((c) => c.count);
    const ends = this.#classes.map((_, i) => {
      const at = Layout.WORD_CLASS_BASE + i * Layout.CLASS_WORDS;
      return this.#words[at + Layout.CLASS_FIRST] + this.#words[at + Layout.CLASS_COUNT];
    });
    for (const sga of this.held()) {
      for (let next = (sga & INDEX_MASK) + 1; next !== 0; ) {
        const index = next - 1;
        owned[ends.findIndex((end) => index < end)]++;
        next = this.#words[this.#slotBase + index * Layout.SLOT_WORDS + Layout.SLOT_NEXT];
      }
    }
    return this.#classes.map(({ size }, i) => {
      const slots = this.#words[Layout.WORD_CLASS_BASE + i * Layout.CLASS_WORDS + Layout.CLASS_COUNT];
      return { size, slots, owned: owned[i] };
    });
  }

  /** The handle stops being valid for the application; throws EINVAL when it was not. */
  disown(sga: Sga, syscall: string): void {
    this.#words[this.at(sga, 0, syscall) + Layout.SLOT_HANDLE] = 0;
  }

  view(sga: Sga, segment: number): Uint8Array {
    const at = this.at(sga, segment, "view");
    return this.#viewAt(at);
  }

  #viewAt(at: number): Uint8Array {
    const index = (at - this.#slotBase) >> SLOT_SHIFT;
    return this.#views[index] ?? this.#makeView(at, index);
  }

  #makeView(at: number, index: number): Uint8Array {
    const start = this.#words[at + Layout.SLOT_START] * Layout.SLOT_ALIGN;
    const view = new Uint8Array(this.#native.arena, start, this.#words[at + Layout.SLOT_CAPACITY]);
    this.#views[index] = view;
    return view;
  }

  bytes(sga: Sga, segment: number): Uint8Array {
    const at = this.at(sga, segment, "bytes");
    const offset = this.#words[at + Layout.SLOT_OFFSET];
    return this.#viewAt(at).subarray(offset, offset + this.#words[at + Layout.SLOT_LENGTH]);
  }

  trim(sga: Sga, offset: number, length: number, segment: number): void {
    const at = this.at(sga, segment, "trim");
    const now = this.#words[at + Layout.SLOT_LENGTH];
    if (!Number.isInteger(offset) || !Number.isInteger(length) || offset < 0 || length < 0 || offset + length > now) {
      throw new DemiError("EINVAL", "trim", `${offset}+${length} is outside a segment of ${now} bytes`);
    }
    this.#words[at + Layout.SLOT_OFFSET] += offset;
    this.#words[at + Layout.SLOT_LENGTH] = length;
  }

  segmentLength(sga: Sga, segment: number): number {
    return this.#words[this.at(sga, segment, "segmentLength") + Layout.SLOT_LENGTH];
  }

  offset(sga: Sga, segment: number): number {
    return this.#words[this.at(sga, segment, "offset") + Layout.SLOT_OFFSET];
  }

  length(sga: Sga): number {
    let at = this.at(sga, 0, "length");
    let total = this.#words[at + Layout.SLOT_LENGTH];
    for (let next = this.#words[at + Layout.SLOT_NEXT]; next !== 0; next = this.#words[at + Layout.SLOT_NEXT]) {
      at = this.#slotBase + (next - 1) * Layout.SLOT_WORDS;
      total += this.#words[at + Layout.SLOT_LENGTH];
    }
    return total;
  }

  segments(sga: Sga): number {
    let at = this.at(sga, 0, "segments");
    let count = 1;
    for (let next = this.#words[at + Layout.SLOT_NEXT]; next !== 0; next = this.#words[at + Layout.SLOT_NEXT]) {
      at = this.#slotBase + (next - 1) * Layout.SLOT_WORDS;
      count++;
    }
    return count;
  }

  address(sga: Sga): SocketAddress | undefined {
    const at = this.at(sga, 0, "address");
    const family = this.#words[at + Layout.SLOT_FAMILY];
    if (family !== 4 && family !== 6) return undefined;
    const bytes = new Uint8Array(this.#native.rings, (at + Layout.SLOT_ADDRESS) * 4, family === 4 ? 4 : 16);
    const port = this.#words[at + Layout.SLOT_PORT];
    if (family === 4) return { host: bytes.join("."), port, family };
    const groups: string[] = [];
    for (let i = 0; i < 16; i += 2) groups.push(((bytes[i] << 8) | bytes[i + 1]).toString(16));
    const scope = this.#words[at + Layout.SLOT_SCOPE];
    // URL does RFC 5952's compression of zero groups.
    const host = new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
    return { host: scope === 0 ? host : `${host}%${scope}`, port, family };
  }

  /** Writes the destination of a datagram. */
  setAddress(sga: Sga, to: NumericAddress): void {
    const at = this.at(sga, 0, "pushTo");
    this.#words[at + Layout.SLOT_FAMILY] = to.family;
    this.#words[at + Layout.SLOT_PORT] = to.port;
    this.#words[at + Layout.SLOT_SCOPE] = to.zone;
    const bytes = new Uint8Array(this.#native.rings, (at + Layout.SLOT_ADDRESS) * 4, 16);
    bytes.set(addressBytes(to));
  }
}
