/** What a parameter of redis.conf is: its kind, what values it takes, and Redis's words for those that it does not take. */

/** 64 bits. */
export const LONG_MAX = 2n ** 63n - 1n;
export const ULONG_MAX = 2n ** 64n - 1n;

/** A value as CONFIG GET tells it and as the server uses it, or why it is none. */
export type Parsed = { text: string; value: ParameterValue } | string;
export type ParameterValue = string | number | boolean;

export interface Parameter {
  name: string;
  /** Its older name, which is told and taken as well. */
  alias?: string;
  default: string;
  isImmutable: boolean;
  isProtected: boolean;
  /** Not shown in MONITOR and SLOWLOG. */
  isSensitive: boolean;
  /** Told when asked for by its whole name. */
  isHidden: boolean;
  /** Takes several words, in a file without quotes. */
  isMulti: boolean;
  /** A name of something that may have changed: setting the same again is a change. */
  isVolatile: boolean;
  parse(words: readonly string[]): Parsed;
}

/** `flags`: immutable, protected, sensitive, hidden, multi, volatile, with spaces between. */
function parameter(
  name: string,
  value: string,
  flags: string,
  alias: string | undefined,
  parse: Parameter["parse"],
): Parameter {
  const has = (flag: string): boolean => flags.split(" ").includes(flag);
  return {
    name,
    alias,
    default: value,
    isImmutable: has("immutable"),
    isProtected: has("protected"),
    isSensitive: has("sensitive"),
    isHidden: has("hidden"),
    isMulti: has("multi"),
    isVolatile: has("volatile"),
    parse: (words) => (!has("multi") && words.length !== 1 ? "wrong number of arguments" : parse(words)),
  };
}

export const bool = (name: string, value: string, flags = "", alias?: string): Parameter =>
  parameter(name, value, flags, alias, ([word]) => {
    const text = word.toLowerCase();
    return text === "yes" || text === "no" ? { text, value: text === "yes" } : "argument must be 'yes' or 'no'";
  });

export const text = (name: string, value: string, flags = "", alias?: string, check = (_: string) => ""): Parameter =>
  parameter(name, value, flags, alias, ([word]) => check(word) || { text: word, value: word });

/** `words`: those it can be, with spaces between; of one with the flag multi any number of them. */
export const choice = (name: string, value: string, words: string, flags = "", alias?: string): Parameter =>
  parameter(name, value, flags, alias, (given) => {
    const all = words.split(" ");
    const chosen = given.map((word) => word.toLowerCase());
    if (chosen.length === 0 || chosen.some((word) => !all.includes(word)))
      return `argument(s) must be one of the following: ${all.join(", ")}`;
    if (chosen.includes("save") && chosen.includes("nosave"))
      return "shutdown options SAVE and NOSAVE can't be used simultaneously";
    // In the order of the table, as bits are told.
    const told = all.filter((word) => chosen.includes(word) && (word !== "default" || chosen.length === 1)).join(" ");
    return { text: told, value: told };
  });

type Numeric = (
  name: string,
  value: string,
  least: number | bigint,
  most: number | bigint,
  flags?: string,
  alias?: string,
) => Parameter;

const numeric =
  (read: (word: string) => bigint | undefined, error: string, show: (value: bigint) => string = String): Numeric =>
  (name, value, least, most, flags = "", alias = undefined) =>
    parameter(name, value, flags, alias, ([word]) => {
      const number = read(word);
      if (number === undefined) return error;
      if (number < 0n && read === readMemoryOrPercent)
        return number < BigInt(least)
          ? `percentage argument must be less or equal to ${-BigInt(least)}`
          : { text: `${-number}%`, value: Number(number) };
      if (number < BigInt(least) || number > BigInt(most))
        return `argument must be between ${least} and ${most} inclusive`;
      return { text: show(number), value: Number(number) };
    });

export const integer = numeric(readInteger, "argument couldn't be parsed into an integer");
export const memory = numeric(readMemory, "argument must be a memory value");
/** A percentage is a negative number. */
export const memoryOrPercent = numeric(readMemoryOrPercent, "argument must be a memory or percent value");
export const octal = numeric(
  (word) => (/^[0-7]{1,20}$/.test(word) ? BigInt(`0o${word}`) : undefined),
  "argument couldn't be parsed as an octal number",
  (value) => value.toString(8),
);

/** One whose words have a form of their own. */
export const special = (
  name: string,
  value: string,
  parse: Parameter["parse"],
  flags = "",
  alias?: string,
): Parameter => parameter(name, value, flags, alias, parse);

function readInteger(word: string): bigint | undefined {
  if (!/^(?:0|-?[1-9][0-9]{0,18})$/.test(word)) return undefined;
  const value = BigInt(word);
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

const UNITS: Record<string, bigint> = {
  "": 1n,
  b: 1n,
  k: 1000n,
  kb: 1024n,
  m: 1000n ** 2n,
  mb: 1024n ** 2n,
  g: 1000n ** 3n,
  gb: 1024n ** 3n,
};

/** A number with one of Redis's units: "64mb". */
export function readMemory(word: string): bigint | undefined {
  const parts = /^([0-9]{1,100})([a-z]*)$/i.exec(word);
  const unit = parts === null ? undefined : UNITS[parts[2].toLowerCase()];
  if (parts === null || unit === undefined) return undefined;
  return BigInt.asUintN(64, BigInt(parts[1]) > ULONG_MAX ? ULONG_MAX : BigInt(parts[1]) * unit);
}

function readMemoryOrPercent(word: string): bigint | undefined {
  const bytes = readMemory(word);
  if (bytes !== undefined || !word.endsWith("%")) return bytes;
  const percent = readInteger(word.slice(0, -1));
  return percent === undefined || percent < 0n ? undefined : -percent;
}
