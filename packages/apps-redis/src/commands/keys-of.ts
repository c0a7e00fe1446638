/** Which arguments of a command are keys, by its key specifications: COMMAND GETKEYS, ACL, tracking. */
import type { Args } from "../protocol/args.js";
import type { Command, KeyArgument, KeySpec } from "./command.js";

/** Undefined: the arguments are wrong, or no specification finds keys in them. */
export function keysOf(command: Command, args: Args, from = 0): KeyArgument[] | undefined {
  const { keys = [], keysOf: finder } = command.spec;
  if (finder !== undefined) {
    return finder(args)?.map((found) =>
      typeof found === "number" ? { index: found, flags: flagsAt(keys, found) } : found,
    );
  }
  const found: KeyArgument[] = [];
  const variable = VARIABLE[command.fullName];
  if (variable !== undefined && args.count > 1) return [{ index: from + 1, flags: variable(args) }];
  for (const spec of keys) if (!findBySpec(spec, args, from, found)) return undefined;
  return found.length === 0 ? undefined : found;
}

/** Of commands whose key's flags depend on the other arguments. */
const VARIABLE: Record<string, (args: Args) => string> = {
  set: (args) => (has(args, 3, "get") ? "RW access update" : "OW update"),
  bitfield: (args) => (has(args, 2, "set") || has(args, 2, "incrby") ? "RW access update" : "RO access"),
};

function has(args: Args, from: number, word: string): boolean {
  for (let i = from; i < args.count; i++) if (args.is(i, word)) return true;
  return false;
}

export const hasKeys = ({ spec }: Command): boolean => (spec.keys?.length ?? 0) !== 0 || spec.keysOf !== undefined;

/** Of one that finds its keys itself: a specification that begins there, or the first. */
function flagsAt(keys: readonly KeySpec[], index: number): string {
  const own = keys.find(
    (spec) => typeof spec.begin === "object" && "index" in spec.begin && spec.begin.index === index,
  );
  return (own ?? keys[0])?.flags ?? "RW access update";
}

/** False: what it says is not so in these arguments. */
function findBySpec({ begin, find, flags }: KeySpec, args: Args, from: number, found: KeyArgument[]): boolean {
  if (typeof begin === "string" || typeof find === "string") return true;
  const first = "index" in begin ? from + begin.index : afterKeyword(begin, args, from);
  if (first === undefined) return true;
  const add = (start: number, last: number, step: number): boolean => {
    if (last >= args.count || last < start) return false;
    for (let index = start; index <= last; index += step) found.push({ index, flags });
    return true;
  };
  if ("last" in find) {
    let last = find.last >= 0 ? first + find.last : args.count + find.last;
    if (find.last < 0 && (find.limit ?? 0) >= 2)
      last = first + Math.floor((args.count - first) / (find.limit ?? 1)) - 1;
    return add(first, last, find.step);
  }
  const count = first + find.count < args.count ? args.safeInteger(first + find.count) : undefined;
  if (count === undefined || count < 0) return false;
  if (count === 0) return true;
  const start = first + find.first;
  return add(start, start + (count - 1) * find.step, find.step);
}

/** Where what follows a keyword is; it is looked for from the end if it starts there. */
function afterKeyword(begin: { keyword: string; startFrom: number }, args: Args, from: number): number | undefined {
  const word = begin.keyword.toLowerCase();
  const forward = begin.startFrom > 0;
  const stop = forward ? args.count - 1 : from;
  for (let i = forward ? from + begin.startFrom : args.count + begin.startFrom; i !== stop; i += forward ? 1 : -1) {
    if (i < from || i >= args.count) return undefined;
    if (args.is(i, word)) return i + 1;
  }
  return undefined;
}
