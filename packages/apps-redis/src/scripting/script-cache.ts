/** Scripts that have been compiled: by their SHA1, and by their source, so that the same is not hashed again. */
import { sameBytes } from "../memory/bytes.js";
import type { Args } from "../protocol/args.js";
import { shebangOf } from "./flags.js";
import type { Interpreter } from "./interpreter.js";
import type { LuaAddon } from "./native.js";

export interface Script {
  sha: string;
  source: Buffer;
  flags: number;
  reference: number;
}

const SLOTS = 512;
/** Bytes of a source that decide where it is looked for. */
const SAMPLED = 16;
/** Bytes that a script takes beside its source and its SHA1. */
const OVERHEAD = 120;

export class ScriptCache {
  readonly bySha = new Map<string, Script>();
  /** What EVALSHA has found last. */
  private last: Script | undefined;
  /** Bytes of their sources. */
  private bytes = 0;
  private readonly slots: (Script | undefined)[] = new Array(SLOTS).fill(undefined);

  constructor(
    private readonly addon: LuaAddon,
    readonly interpreter: Interpreter,
  ) {}

  get memory(): number {
    return this.bytes + this.bySha.size * OVERHEAD;
  }

  /** The script whose source argument `i` is, if it is there. */
  find(args: Args, i: number): Script | undefined {
    const { bytes } = args;
    const at = args.at(i);
    const length = args.length(i);
    const slot = slotOf(bytes, at, length);
    const script = this.slots[slot];
    if (script !== undefined && script.source.length === length && sameBytes(script.source, 0, bytes, at, length))
      return script;
    const found = this.bySha.get(this.addon.sha1(bytes.subarray(at, at + length)));
    if (found !== undefined) this.slots[slot] = found;
    return found;
  }

  /** The script whose SHA1 argument `i` is, in digits of any case. */
  findBySha(args: Args, i: number): Script | undefined {
    const { last } = this;
    // Mostly the same again, which is seen without a text of it.
    if (last !== undefined && args.is(i, last.sha)) return last;
    if (args.length(i) !== 40) return undefined;
    const found = this.bySha.get(args.text(i).toLowerCase());
    if (found !== undefined) this.last = found;
    return found;
  }

  /** Compiles it if it is not there; a text: why it cannot be. */
  load(args: Args, i: number): Script | string {
    const had = this.find(args, i);
    if (had !== undefined) return had;
    const at = args.at(i);
    const source = Buffer.from(args.bytes.subarray(at, at + args.length(i)));
    const shebang = shebangOf(source.subarray(0, 2).toString("latin1") === "#!" ? source.toString("latin1") : "");
    if (typeof shebang === "string") return `ERR ${shebang}`;
    const sha = this.addon.sha1(source);
    const reference = this.interpreter.native.compile(source.subarray(shebang.length), sha);
    if (typeof reference === "string") return `ERR Error compiling script (new function): ${reference}`;
    const script = { sha, source, flags: shebang.flags, reference };
    this.bySha.set(sha, script);
    this.bytes += source.length + sha.length;
    this.slots[slotOf(source, 0, source.length)] = script;
    return script;
  }
}

function slotOf(bytes: Uint8Array, at: number, length: number): number {
  let hash = length;
  const step = Math.max(1, Math.floor(length / SAMPLED));
  for (let i = length - 1; i >= 0; i -= step) hash = Math.imul(hash ^ bytes[at + i], 0x01000193);
  return (hash ^ (hash >>> 15)) & (SLOTS - 1);
}
