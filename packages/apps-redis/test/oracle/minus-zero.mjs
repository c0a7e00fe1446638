/** A score of -0 is 0 in a listpack, which a small sorted set becomes when it is loaded, in both servers: who compares before and after goes without. */
const MINUS_ZERO = /^-0(?:\.0+)?$|^WEIGHTS$/i;

/** Whether a command may make one. */
export function makesMinusZero(words) {
  return words.some((word) => MINUS_ZERO.test(word));
}
