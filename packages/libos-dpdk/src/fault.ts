/** The option `fault`: what tests have done to frames below the stack, as "drop=0.01,duplicate=0.01,reorder=0.02,seed=7,lose-sent=100". */

const RATES = ["drop", "duplicate", "reorder"];
const COUNTS = ["seed", "lose-sent", "lose-received"];

/** What is wrong with it; undefined when nothing is. */
export function faultProblem(text: string): string | undefined {
  if (text === "") return undefined;
  const seen = new Set<string>();
  for (const part of text.split(",")) {
    const [key = "", value = ""] = part.split("=");
    if (seen.has(key)) return `must not name ${key} twice`;
    seen.add(key);
    if (RATES.includes(key)) {
      if (!/^(0|1|[01]?\.\d+)$/.test(value) || Number(value) > 1) return `must have a rate from 0 to 1 for ${key}`;
    } else if (COUNTS.includes(key)) {
      if (!/^\d{1,10}$/.test(value) || Number(value) > 0xffffffff)
        return `must have a whole number below 2^32 for ${key}`;
    } else {
      return `must be made of ${[...RATES, "seed", "lose-sent"].join("=, ")}= and lose-received=, with commas between`;
    }
  }
  return undefined;
}
