import type { Args } from "../../protocol/args.js";
import { type Call, NOT_INTEGER } from "../../server/call.js";
import type { KeyArgument } from "../command.js";
import { SortPattern } from "./sort-pattern.js";

export interface SortOptions {
  isDescending: boolean;
  isAlphabetic: boolean;
  /** Of LIMIT. */
  start: bigint;
  count: bigint;
  by: SortPattern | undefined;
  /** A BY, any of them, names no other keys: nothing is sorted. */
  isUnsorted: boolean;
  gets: SortPattern[];
  /** The argument that names where the result goes; 0: it is the reply. */
  store: number;
}

/** undefined: one is wrong, which was replied. */
export function sortOptions(call: Call, takesStore: boolean): SortOptions | undefined {
  const { args, reply } = call;
  const options: SortOptions = {
    isDescending: false,
    isAlphabetic: false,
    start: 0n,
    count: -1n,
    by: undefined,
    isUnsorted: false,
    gets: [],
    store: 0,
  };
  for (let i = 2; i < args.count; i++) {
    const rest = args.count - i - 1;
    if (args.is(i, "asc")) {
      options.isDescending = false;
    } else if (args.is(i, "desc")) {
      options.isDescending = true;
    } else if (args.is(i, "alpha")) {
      options.isAlphabetic = true;
    } else if (rest >= 2 && args.is(i, "limit")) {
      const start = args.integer(i + 1);
      const count = args.integer(i + 2);
      if (start === undefined || count === undefined) {
        reply.error(NOT_INTEGER);
        return undefined;
      }
      options.start = start;
      options.count = count;
      i += 2;
    } else if (takesStore && rest >= 1 && args.is(i, "store")) {
      options.store = ++i;
    } else if (rest >= 1 && args.is(i, "by")) {
      options.by = new SortPattern(args.text(++i));
      options.isUnsorted ||= options.by.isConstant;
    } else if (rest >= 1 && args.is(i, "get")) {
      options.gets.push(new SortPattern(args.text(++i)));
    } else {
      call.syntaxError();
      return undefined;
    }
  }
  return options;
}

/** The keys that SORT names itself; those of BY and GET follow from what it finds. */
export function sortKeys(args: Args): (number | KeyArgument)[] {
  let store = 0;
  for (let i = 2; i < args.count; i++) {
    if (args.is(i, "limit")) i += 2;
    else if (args.is(i, "get") || args.is(i, "by")) i++;
    else if (args.is(i, "store") && i + 1 < args.count) store = ++i;
  }
  return store === 0 ? [1] : [1, { index: store, flags: "OW update" }];
}
