/** What a script says of itself: in its first line, `#!lua flags=no-writes`, or to redis.register_function. */
import { splitArguments } from "../protocol/inline.js";

export const ScriptFlag = {
  NO_WRITES: 1,
  ALLOW_OOM: 2,
  ALLOW_STALE: 4,
  NO_CLUSTER: 8,
  /** It says nothing: the rules are those of before there were flags. */
  COMPATIBLE: 16,
  ALLOW_CROSS_SLOT_KEYS: 32,
} as const;

/** In the order in which they are told. */
const NAMES: readonly (readonly [string, number])[] = [
  ["no-writes", ScriptFlag.NO_WRITES],
  ["allow-oom", ScriptFlag.ALLOW_OOM],
  ["allow-stale", ScriptFlag.ALLOW_STALE],
  ["no-cluster", ScriptFlag.NO_CLUSTER],
  ["allow-cross-slot-keys", ScriptFlag.ALLOW_CROSS_SLOT_KEYS],
];

export const namesOfFlags = (flags: number): string[] =>
  NAMES.filter(([, flag]) => (flags & flag) !== 0).map(([name]) => name);

export interface Shebang {
  flags: number;
  /** Where the source begins: the line's end stays, so that lines keep their numbers. */
  length: number;
}

/** Of the source of a script, latin1; a text: what is wrong with it. */
export function shebangOf(source: string): Shebang | string {
  if (!source.startsWith("#!")) return { flags: ScriptFlag.COMPATIBLE, length: 0 };
  const length = source.indexOf("\n");
  if (length < 0) return "Invalid script shebang";
  const [engine, ...options] = splitArguments(source.slice(0, length)) ?? [];
  if (engine === undefined) return "Invalid engine in script shebang";
  if (engine !== "#!lua") return `Unexpected engine in script shebang: ${engine}`;
  let flags = 0;
  for (const option of options) {
    if (!option.startsWith("flags=")) return `Unknown lua shebang option: ${option}`;
    const names = option.slice("flags=".length);
    for (const name of names === "" ? [] : names.split(",")) {
      const found = NAMES.find(([known]) => known === name);
      if (found === undefined) return `Unexpected flag in script shebang: ${name}`;
      flags |= found[1];
    }
  }
  return { flags, length };
}

/** Name and source of a library; a text: what is wrong with it. */
export function libraryHeadOf(source: string): { name: string; engine: string; length: number } | string {
  if (!source.startsWith("#!")) return "Missing library metadata";
  const length = source.indexOf("\n");
  if (length < 0) return "Invalid library metadata";
  const [first, ...options] = splitArguments(source.slice(0, length)) ?? [];
  if (first === undefined) return "Invalid library metadata";
  let name: string | undefined;
  for (const option of options) {
    if (!/^name=/i.test(option)) return `Invalid metadata value given: ${option}`;
    if (name !== undefined) return "Invalid metadata value, name argument was given multiple times";
    name = option.slice("name=".length);
  }
  if (name === undefined) return "Library name was not given";
  return { name, engine: first.slice(2), length };
}
