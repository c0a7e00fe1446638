/** Whether values are plain data: what JSON can write down and read back as it was. */

/** Values inside of one: far more than an option has, and few enough to say what is wrong with each. */
const MOST_VALUES = 65_536;

/** Throws an Error unless all of it is strings, numbers, booleans, null, and lists and maps of these, of a moderate size. */
export function requireJson(value: unknown): void {
  let count = 0;
  JSON.stringify(value, (key, inner) => {
    if (["function", "symbol", "bigint"].includes(typeof inner)) throw new TypeError(`${key} is ${String(inner)}`);
    if (/\p{Surrogate}/u.test(key)) throw new TypeError("a key is no Unicode");
    if (++count > MOST_VALUES) throw new RangeError(`has more than ${MOST_VALUES} values`);
    return inner;
  });
}

/** Throws an Error for a number that JSON does not have. */
export function requireFinite(value: unknown): void {
  JSON.stringify(value, (key, inner) => {
    if (typeof inner === "number" && !Number.isFinite(inner)) throw new TypeError(`${key} is ${inner}`);
    return inner;
  });
}
