/** Plain data: what JSON can write down and read back as it was. */

/** Values inside of one: far more than an option has, and few enough to say what is wrong with each. */
const MOST_VALUES = 65_536;

/**
 * A copy, for which everything is read once: nothing that hides behind a getter or a proxy can be another thing later. What is undefined in a
 * map is left out. Throws an Error unless all of it is strings, numbers, booleans, null, and lists and maps of these, of a moderate size.
 */
export function plainCopy(value: unknown): unknown {
  let left = MOST_VALUES;
  const take = (count: number) => {
    left -= count;
    if (left < 0) throw new RangeError(`has more than ${MOST_VALUES} values`);
  };
  const copy = (inner: unknown, key: string): unknown => {
    if (inner === null || ["string", "number", "boolean"].includes(typeof inner)) return inner;
    if (typeof inner !== "object" || ArrayBuffer.isView(inner)) throw new TypeError(`${key} is no plain data`);
    if (Array.isArray(inner)) {
      const { length } = inner;
      take(length);
      return Array.from({ length }, (_, i) => copy(inner[i], String(i)));
    }
    const names = Object.keys(inner);
    take(names.length);
    const entries = names.map((name) => {
      if (/\p{Surrogate}/u.test(name)) throw new TypeError("a key is no Unicode");
      const one = (inner as Record<string, unknown>)[name];
      return [name, one === undefined ? undefined : copy(one, name)] as const;
    });
    return Object.fromEntries(entries.filter(([, one]) => one !== undefined));
  };
  return copy(value, "it");
}

/** Throws an Error for a number that JSON does not have. */
export function requireFinite(value: unknown): void {
  JSON.stringify(value, (key, inner) => {
    if (typeof inner === "number" && !Number.isFinite(inner)) throw new TypeError(`${key} is ${inner}`);
    return inner;
  });
}
