/** The option `fault`: what tests have done to frames below the stack, as "drop=0.01,duplicate=0.01,reorder=0.02,seed=7". */

const RATES = ["drop", "duplicate", "reorder"];

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
    } else if (key === "seed") {
      if (!/^\d{1,10}$/.test(value) || Number(value) > 0xffffffff)
        return "must have a whole number below 2^32 for seed";
    } else {
      return `must be made of ${RATES.join("=, ")}= and seed=, with commas between`;
    }
  }
  return undefined;
}
