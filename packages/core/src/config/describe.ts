import { inspect } from "node:util";

const LONGEST = 60;

/** A value as error messages show it: on one line, short whatever it is. */
export function describe(value: unknown): string {
  if (typeof value === "string") {
    return value.length <= LONGEST ? JSON.stringify(value) : `${JSON.stringify(value.slice(0, LONGEST))}...`;
  }
  const shown = inspect(value, {
    depth: 1,
    maxArrayLength: 8,
    maxStringLength: LONGEST,
    breakLength: Number.POSITIVE_INFINITY,
  });
  return shown.length <= 2 * LONGEST ? shown : `${shown.slice(0, 2 * LONGEST)}...`;
}
